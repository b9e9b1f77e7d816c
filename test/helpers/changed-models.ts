import { writeFile } from 'node:fs/promises';
import type { ServiceCopy } from './service-copy.ts';

/** A model that stands in no list of collections. */
export const FORGOTTEN = 'dist/models/zz-forgotten.js';

/** Changes models of a copy as somebody does who writes no migration: an index, a TTL, an enum, a path, a new model. */
export async function changeModels(copy: ServiceCopy): Promise<void> {
  await copy.edit('dist/models/user.js', "userSchema.index({ roles: 1, _id: 1 }, { name: 'idx_users_roles' });", '');
  await copy.edit('dist/models/session.js', 'expireAfterSeconds: 0', 'expireAfterSeconds: 60');
  await copy.edit('dist/models/guard.js', "GUARDS = ['admins']", "GUARDS = ['admins', 'owners']");
  await copy.edit('dist/models/webhook.js', 'secret: {', 'nickname: { type: String, maxlength: 30 }, secret: {');
  await writeFile(
    copy.path(FORGOTTEN),
    `import { model, Schema } from 'mongoose';
export const ZzForgotten = model('ZzForgotten', new Schema({ total: Number }, { collection: 'zz_forgotten' }));
`,
  );
}
