import { model, Schema } from 'mongoose';
import { buildApp } from '../src/app.ts';
import { mount } from '../src/collections/index.ts';
import { loadConfig } from '../src/config.ts';
import { connect } from '../src/database.ts';
import { openDependencies } from '../src/dependencies.ts';
import { openKeyring } from '../src/keyring-file.ts';
import { owner, permission } from '../src/lib/access-rules.ts';
import { createLogger } from '../src/logging.ts';
import { addLifeIndexes, LIFE_FIELDS } from '../src/models/life.ts';
import { ROLES, USER_STATUSES, User } from '../src/models/user.ts';
import { resource } from '../src/routes/resource/resource.ts';
import { wireSchemas } from '../src/schemas/resource.ts';
import { User as UserView } from '../src/schemas/user.ts';

/**
 * The program of a process of its own: the service with a domain collection of the shape of `users`, whose routes are
 * generated, beside the hand-written ones. Its documents are copies of the accounts that are there.
 */
const copySchema = new Schema(
  {
    ...LIFE_FIELDS,
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    email: { type: String, required: true },
    firstName: { type: String },
    lastName: { type: String },
    avatarUrl: { type: String },
    emailVerified: { type: Boolean, required: true },
    status: { type: String, enum: USER_STATUSES, required: true },
    roles: { type: [{ type: String, enum: ROLES }], required: true },
    metadata: { type: Object },
  },
  { collection: 'copies', versionKey: false },
);
copySchema.index({ userId: 1, _id: 1 }, { name: 'idx_copies_user_id' });
addLifeIndexes(copySchema, 'copies');
const Copy = model('Copy', copySchema);

const { id: _, createdAt: __, updatedAt: ___, ...fields } = UserView.properties;
const copies = resource({
  model: Copy,
  name: 'copy',
  plural: 'copies',
  purpose: 'Accounts once more.',
  schemas: wireSchemas('Copy', {
    description: 'An account once more.',
    fields,
    example: {},
  }),
  access: { list: permission('users:read'), read: [owner(), permission('users:read')] },
  private: {
    userId: 'Whose it is.',
    ...Object.fromEntries(Object.keys(fields).map((name) => [name, `As of the account: ${name}.`])),
  },
});

const config = loadConfig();
const connection = await connect(config.MONGODB_URI ?? '', config);
mount(copies);
for await (const { _id, passwordHash: _hash, ...account } of User.collection.find({ status: { $ne: 'deleted' } }))
  await connection.collection('copies').insertOne({ ...account, _id, userId: _id });
for (const [key, { name, partialFilterExpression }] of copySchema.indexes())
  await connection.collection('copies').createIndex(key as Record<string, 1>, {
    name: String(name),
    ...(partialFilterExpression && { partialFilterExpression }),
  });

const app = await buildApp(config, {
  ...(await openDependencies(config, openKeyring(config))),
  logger: createLogger(config),
});
process.stderr.write(`API: ${await app.listen({ host: '127.0.0.1', port: 0 })}\n`);
process.once('SIGTERM', () => process.exit());
