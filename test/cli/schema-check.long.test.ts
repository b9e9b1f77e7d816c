import type { Db, Document } from 'mongodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { migrateDown, migrateUp, shippedMigrations } from '../../src/migrations.ts';
import { checkDatabase, checkMigrations } from '../../src/schema-check/check.ts';
import { databases } from '../helpers/databases.ts';

const { client, fresh } = databases();
let db: Db;

beforeEach(async () => {
  db = fresh();
  await migrateUp(client, db, () => {});
});

const report = () => checkDatabase(db, 100);

/** The validator that stands, changed by `edit`. */
async function editValidator(collection: string, edit: (schema: Document) => void): Promise<void> {
  const [info] = await db.listCollections({ name: collection }).toArray();
  const validator = structuredClone((info as unknown as { options: Document }).options['validator']);
  edit(validator.$jsonSchema);
  await db.command({ collMod: collection, validator });
}

describe('roster schema check', () => {
  it('finds models, migrations and a migrated database in agreement, and leaves nothing behind', async () => {
    expect(await checkMigrations(client, db.databaseName)).toEqual([]);
    expect(await report()).toEqual([]);
    const { databases: left } = await client.db().admin().listDatabases({ nameOnly: true });
    expect(left.map(({ name }) => name).filter((name) => name.startsWith(`${db.databaseName}_`))).toEqual([]);
    expect(await db.collection('changelog').countDocuments()).toBe((await shippedMigrations()).length);
  });

  it('finds an index that was removed', async () => {
    await db.collection('users').dropIndex('idx_users_email');
    expect(await report()).toEqual(['users: index idx_users_email on {"email":1} is missing']);
  });

  it('finds an index that nobody declares', async () => {
    await db.collection('users').createIndex({ lastSignInAt: 1 }, { name: 'by_hand' });
    expect(await report()).toEqual(['users: index by_hand on {"lastSignInAt":1} is there, but nothing declares it']);
  });

  it('finds a changed TTL', async () => {
    await db.command({ collMod: 'sessions', index: { name: 'idx_sessions_expires_at', expireAfterSeconds: 3600 } });
    expect(await report()).toEqual(['sessions: index idx_sessions_expires_at: expireAfterSeconds is 3600, must be 0']);
  });

  it('finds an index that is no longer unique, and one with other keys', async () => {
    await db.collection('users').dropIndex('idx_users_email');
    await db.collection('users').createIndex({ email: 1, _id: 1 }, { name: 'idx_users_email' });
    expect(await report()).toEqual([
      'users: index idx_users_email: key is {"email":1,"_id":1}, must be {"email":1}',
      'users: index idx_users_email: unique is false, must be true',
    ]);
  });

  it('finds a changed enum, limit and required field in a validator', async () => {
    await editValidator('users', (schema) => {
      schema['properties'].status.enum = ['active', 'inactive', 'deleted', 'archived'];
      schema['properties'].email.maxLength = 300;
      schema['required'] = schema['required'].filter((name: string) => name !== 'roles');
    });
    expect(await report()).toEqual([
      'users: validator.required lacks "roles"',
      'users: validator.properties.email.maxLength is 300, must be 255',
      'users: validator.properties.status.enum lacks "suspended"',
      'users: validator.properties.status.enum has "archived" too many',
    ]);
  });

  it('finds a validator that is switched off or only warns', async () => {
    await db.command({ collMod: 'users', validationLevel: 'off' });
    await db.command({ collMod: 'sessions', validationAction: 'warn' });
    expect(await report()).toEqual([
      'users: the validator is missing or switched off',
      'sessions: the validator is missing or switched off',
    ]);
  });

  it('finds fields that no model knows, at any depth, and leaves objects of free form alone', async () => {
    const [now, account] = [new Date(), { emailVerified: false, status: 'active', roles: ['user'], revision: 1 }];
    const dates = { createdAt: now, updatedAt: now };
    await db.collection('users').insertMany([
      { ...account, ...dates, email: 'a@example.com', nickname: 'A', metadata: { theme: { dark: true } } },
      { ...account, ...dates, email: 'b@example.com' },
    ]);
    const event = { action: 'user.created', outcome: 'success', at: now };
    await db.collection('audit_events').insertOne({
      ...event,
      actor: { type: 'user', shoeSize: 42 },
      target: { collection: 'users' },
    });
    expect(await report()).toEqual([
      'users: field nickname is in 1 of 2 documents read, but not in the model',
      'audit_events: field actor.shoeSize is in 1 of 1 documents read, but not in the model',
    ]);
  });

  it('finds collections that are missing or that nobody declares', async () => {
    await db.collection('guards').drop();
    await db.createCollection('leftovers');
    expect(await report()).toEqual([
      'guards: the collection is missing',
      'leftovers: the collection is there, but nothing declares it',
    ]);
  });

  it('tells which migrations are pending, and which only the database knows', async () => {
    const [undone] = await migrateDown(client, db, () => {});
    await db.collection('changelog').insertOne({ fileName: '900_from_the_future.js', appliedAt: new Date() });
    expect((await report()).slice(0, 2)).toEqual([
      `migration ${undone} is not applied`,
      'migration 900_from_the_future.js is applied, but not shipped',
    ]);
  });
});
