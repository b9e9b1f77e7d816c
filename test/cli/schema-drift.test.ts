import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrateUp } from '../../src/migrations.ts';
import { changeModels } from '../helpers/changed-models.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { ServiceCopy } from '../helpers/service-copy.ts';

vi.setConfig({ testTimeout: 60_000 });

const { client, fresh } = databases();
const db = fresh();

let copy: ServiceCopy;
beforeAll(async () => {
  copy = await ServiceCopy.make();
  await migrateUp(client, db, () => {});
});
afterAll(() => copy.remove());

const schema = (...args: string[]) => copy.roster(['schema', ...args], { MONGODB_URI: uriOf(db.databaseName) });

/** What a developer forgets. What `schema diff` makes of it, schema-diff.long.test.ts tells. */
describe('models that were changed without a migration', () => {
  it('schema check finds each of them, and a model that is listed nowhere', async () => {
    await changeModels(copy);
    const { code, stdout } = await schema('check');
    expect(code).toBe(1);
    const [, inMigrations] = /^Models and migrations differ:\n((?: {2}.*\n)+)/.exec(stdout) ?? [];
    expect(inMigrations?.trim().split(/\n */)).toEqual([
      'zz_forgotten: the model ZzForgotten is not listed in src/collections',
      'users: index idx_users_roles on {"roles":1,"_id":1} is there, but nothing declares it',
      'sessions: index idx_sessions_expires_at: expireAfterSeconds is 0, must be 60',
      'guards: validator.properties._id.enum lacks "owners"',
      'webhooks: validator.properties.nickname is absent, must be {"bsonType":"string","maxLength":30}',
    ]);
  });
});
