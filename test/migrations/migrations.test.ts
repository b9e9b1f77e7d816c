import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Db, type Document, ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { MIGRATIONS_DIRECTORY, migrateUp, shippedMigrations } from '../../src/migrations.ts';
import { documentChanges, takeSnapshot } from '../../src/rehearsal/snapshot.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { expectedShape, readShape } from '../../src/schema-check/shape.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';
import { databases } from '../helpers/databases.ts';

interface Migration {
  up(db: Db): Promise<void>;
  down(db: Db): Promise<void>;
}

const files = await shippedMigrations();
const { client, fresh } = databases();

const load = (file: string): Promise<Migration> => import(pathToFileURL(join(MIGRATIONS_DIRECTORY, file)).href);

/** A database as it was when `file` had not been applied yet. */
async function databaseBefore(file: string): Promise<Db> {
  const db = fresh();
  for (const earlier of files.slice(0, files.indexOf(file))) await (await load(earlier)).up(db);
  return db;
}

const now = new Date();
const later = new Date(Date.now() + 86_400_000);
const userId = new ObjectId();

const oldestAccount = (email: string, more: Document = {}): Document => ({
  email,
  emailVerified: false,
  status: 'active',
  createdAt: now,
  updatedAt: now,
  ...more,
});

/** A document of each collection, as its validator wants it; the oldest shape last where one has changed. */
const DOCUMENTS: Readonly<Record<string, Document | readonly Document[]>> = {
  users: oldestAccount('ada@example.com', { _id: userId, firstName: 'Ada', roles: ['admin'], revision: 3 }),
  sessions: {
    userId,
    status: 'active',
    roles: ['user'],
    refreshTokenHash: 'x'.repeat(43),
    seed: 's'.repeat(43),
    rotation: 0,
    rotatedAt: now,
    authenticationMethods: ['pwd'],
    authenticatedAt: now,
    createdAt: now,
    lastUsedAt: now,
    idleExpiresAt: later,
    expiresAt: later,
  },
  signing_keys: {
    _id: 'k',
    generation: 1,
    publicJwk: {},
    privateJwk: UNOPENABLE,
    createdAt: now,
    activatesAt: now,
  },
  audit_events: {
    action: 'user.created',
    outcome: 'success',
    actor: { type: 'user', id: userId },
    target: { collection: 'users', id: userId },
    at: now,
  },
  idempotency_keys: { _id: 'k', fingerprint: 'f', expiresAt: later },
  rate_limits: [
    { key: 'k', points: 1, expire: later },
    { _id: 'k' as never, count: 1, expiresAt: later },
  ],
};

/** Inserts the first of the documents that the validator takes. */
async function insertFitting(db: Db, name: string, [document, ...others]: readonly Document[]): Promise<void> {
  try {
    await db.collection(name).insertOne({ ...document });
  } catch (error) {
    if (others.length === 0) throw error;
    await insertFitting(db, name, others);
  }
}

/** As a service that runs leaves it: a document in each collection that is there and empty. */
async function fill(db: Db): Promise<void> {
  for (const [name, documents] of Object.entries(DOCUMENTS)) {
    const exists = await db.listCollections({ name }).hasNext();
    if (exists && !(await db.collection(name).findOne())) await insertFitting(db, name, [documents].flat());
  }
}

describe('the migrations together', () => {
  it('are numbered one after the other', () => {
    expect(files.map((file) => Number(file.slice(0, 3)))).toEqual(files.map((_, index) => index + 1));
  });

  it('make of an empty database exactly what the models want', async () => {
    const db = fresh();
    expect(await migrateUp(client, db, () => {})).toEqual(files);
    expect(differences(expectedShape(), await readShape(db))).toEqual([]);
  });

  it('bring the guard of the last admin along', async () => {
    const db = fresh();
    await migrateUp(client, db, () => {});
    expect(await db.collection<Document & { _id: string }>('guards').findOne({ _id: 'admins' })).toEqual({
      _id: 'admins',
      revision: 0,
    });
  });

  it('let the database itself refuse what no model would write', async () => {
    const db = fresh();
    await migrateUp(client, db, () => {});
    const users = db.collection('users');
    const account = { ...DOCUMENTS['users'], _id: new ObjectId() };
    const refused = [
      { ...account, status: 'archived' },
      { ...account, roles: ['root'] },
      { ...account, email: 'x'.repeat(256) },
      { ...account, firstName: null },
      { ...account, createdAt: 'yesterday' },
    ];
    for (const document of refused) await expect(users.insertOne(document)).rejects.toMatchObject({ code: 121 });
    await expect(users.insertOne(account)).resolves.toMatchObject({ acknowledged: true });
    await expect(users.insertOne({ ...account, _id: new ObjectId() })).rejects.toMatchObject({ code: 11_000 });
  });
});

/** What was applied long ago is frozen: migrations.long.test.ts tries it too. */
const NEWEST = 1;

describe.each(process.env['ROSTER_ALL_MIGRATIONS'] ? files : files.slice(-NEWEST))('%s', (file) => {
  it('says why it exists, goes both ways and depends on nothing that changes', async () => {
    const source = await readFile(join(MIGRATIONS_DIRECTORY, file), 'utf8');
    expect(source).toMatch(/^\/\/ Why: /);
    const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, from]) => from);
    expect(imports.filter((from) => !from?.startsWith('./lib/'))).toEqual([]);
    expect(await load(file)).toMatchObject({ up: expect.any(Function), down: expect.any(Function) });
  });

  it('goes up, down and up on data, losing no document and bringing back the same shape', async () => {
    const migration = await load(file);
    const db = await databaseBefore(file);
    await fill(db);
    const before = await takeSnapshot(db);
    await migration.up(db);
    await fill(db);
    const up = await takeSnapshot(db);
    expect(documentChanges(before, up).filter(({ removed }) => removed > 0)).toEqual([]);

    await migration.down(db);
    const down = await takeSnapshot(db);
    const made = [...up.shape.keys()].filter((name) => !before.shape.has(name));
    // A collection that holds something by now stays, without its rules.
    const kept = new Map(made.map((name) => [name, { indexes: [], validator: undefined }]));
    for (const name of made) if (!down.shape.has(name)) kept.delete(name);
    expect(differences(new Map([...before.shape, ...kept]), down.shape)).toEqual([]);
    const lost = documentChanges(up, down).filter(({ removed }) => removed > 0);
    expect(lost.filter(({ collection }) => collection !== 'guards')).toEqual([]);

    await migration.up(db);
    const again = await takeSnapshot(db);
    expect(differences(up.shape, again.shape)).toEqual([]);
    expect(documentChanges(up, again)).toEqual([]);
  });

  it('leaves nothing behind when it goes down on empty collections', async () => {
    const migration = await load(file);
    const db = await databaseBefore(file);
    const before = await readShape(db);
    await migration.up(db);
    await migration.down(db);
    expect(differences(before, await readShape(db))).toEqual([]);
  });

  it('may be repeated in either direction', async () => {
    const migration = await load(file);
    const db = await databaseBefore(file);
    await migration.up(db);
    const once = await readShape(db);
    await migration.up(db);
    expect(differences(once, await readShape(db))).toEqual([]);
    await migration.down(db);
    await expect(migration.down(db)).resolves.toBeUndefined();
  });
});

describe('002_add_user_profiles.js', () => {
  const file = '002_add_user_profiles.js';

  it('makes ordinary users, searchable by name, of the accounts that are there', async () => {
    const db = await databaseBefore(file);
    const users = db.collection('users');
    await users.insertMany([
      oldestAccount('jose@example.com', { firstName: 'José', lastName: 'ÖZGÜR' }),
      oldestAccount('li@example.com', { firstName: '李小龙' }),
      oldestAccount('nameless@example.com'),
    ]);
    await (await load(file)).up(db);
    const found = await users.find({}, { projection: { _id: 0, createdAt: 0, updatedAt: 0 } }).toArray();
    const common = { emailVerified: false, status: 'active', roles: ['user'], revision: 1 };
    expect(found).toEqual([
      {
        ...common,
        email: 'jose@example.com',
        firstName: 'José',
        lastName: 'ÖZGÜR',
        firstNameKey: 'josé',
        lastNameKey: 'özgür',
      },
      { ...common, email: 'li@example.com', firstName: '李小龙', firstNameKey: '李小龙' },
      { ...common, email: 'nameless@example.com' },
    ]);
  });

  it('fills in more accounts than fit one batch', async () => {
    const db = await databaseBefore(file);
    const users = db.collection('users');
    await users.insertMany(
      Array.from({ length: 2100 }, (_, n) => oldestAccount(`${n}@example.com`, { lastName: `N${n}` })),
    );
    await (await load(file)).up(db);
    expect(await users.countDocuments({ lastNameKey: { $exists: true } })).toBe(2100);
  });

  it('keeps roles, through down and up too: nobody stops being an admin by it', async () => {
    const migration = await load(file);
    const db = await databaseBefore(file);
    await db.collection('users').insertOne(oldestAccount('root@example.com', { roles: ['admin'] }));
    await migration.up(db);
    await migration.down(db);
    await migration.up(db);
    expect(await db.collection('users').findOne()).toMatchObject({ roles: ['admin'] });
  });
});

describe('024_seal_what_is_sensitive.js', () => {
  const file = '024_seal_what_is_sensitive.js';
  const told = { ip: '192.0.2.1', userAgent: 'Firefox' };

  it('takes what sessions told in clear, and leaves the sessions', async () => {
    const db = await databaseBefore(file);
    const session = { ...DOCUMENTS['sessions'], _id: new ObjectId() };
    await db.collection('sessions').insertOne({ ...session, ...told });
    await (await load(file)).up(db);
    expect(await db.collection('sessions').find().toArray()).toEqual([session]);
  });

  it('lets instances of the version before go on signing people in, both ways', async () => {
    const migration = await load(file);
    const db = await databaseBefore(file);
    const opened = (n: number) => ({ ...DOCUMENTS['sessions'], ...told, refreshTokenHash: `${n}`.repeat(43) });
    await migration.up(db);
    await db.collection('sessions').insertOne(opened(1));
    await migration.down(db);
    await db.collection('sessions').insertOne(opened(2));
    expect(await db.collection('sessions').countDocuments(told)).toBe(2);
  });

  it('lets the database refuse clear text in each field that is marked, and take a ciphertext', async () => {
    const db = fresh();
    await migrateUp(client, db, () => {});
    const marked = collections.flatMap(({ name, encrypted }) => Object.keys(encrypted).map((path) => ({ name, path })));
    const shape = await readShape(db);
    for (const { name, path } of marked) {
      // Alone, as nothing else of the document is the question.
      const rule = { $jsonSchema: { properties: { [path]: shape.get(name)?.validator?.properties?.[path] } } };
      const trial = db.collection(`trial_${name}_${path}`);
      await db.createCollection(trial.collectionName, { validator: rule });
      await expect(trial.insertOne({ [path]: 'in clear' }), path).rejects.toMatchObject({ code: 121 });
      await expect(trial.insertOne({ [path]: UNOPENABLE }), path).resolves.toBeDefined();
    }
    expect(marked.length).toBeGreaterThan(12);
  });
});

describe('025_seal_names.js', () => {
  it('goes down only when no name is encrypted: the older build would show none', async () => {
    const { up, down } = await load('025_seal_names.js');
    const db = await databaseBefore('025_seal_names.js');
    await up(db);
    const users = db.collection('users');
    const account = oldestAccount('ada@example.com', { roles: ['user'], revision: 1, sealedLastName: UNOPENABLE });
    await users.insertOne(account);
    await expect(down(db)).rejects.toThrow('--open-names');
    await users.updateOne({}, { $unset: { sealedLastName: 1 } });
    await expect(down(db)).resolves.toBeUndefined();
  });
});
