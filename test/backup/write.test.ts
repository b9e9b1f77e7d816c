import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BSON, MongoServerError, ObjectId } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { MANIFEST, newBackupId } from '../../src/backup/manifest.ts';
import { openBackup } from '../../src/backup/read.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { savedCollections, writeBackup } from '../../src/backup/write.ts';
import { collections } from '../../src/collections/index.ts';
import { migrateUp, shippedMigrations } from '../../src/migrations.ts';
import { addAccounts, backUp, directories, documentsOf } from '../helpers/backups.ts';
import { databases } from '../helpers/databases.ts';

const { client, fresh } = databases();
const freshDirectory = directories();

const db = fresh();
const ACCOUNTS = 3_000;

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await addAccounts(db, ACCOUNTS, (n) => ({ firstName: `Ada ${n}` }));
});

describe('a backup', () => {
  it('is laid out as mongodump --gzip lays it out', async () => {
    const root = await freshDirectory();
    const { manifest } = await backUp(db, { storage: new DirectoryStorage(root) });
    const directory = join(root, manifest.id, db.databaseName);
    const names = manifest.collections
      .flatMap(({ name }) => name)
      .flatMap((name) => [`${name}.bson.gz`, `${name}.metadata.json.gz`]);
    expect((await readdir(directory)).sort()).toEqual(names.sort());
    const bson = gunzipSync(await readFile(join(directory, 'users.bson.gz')));
    const documents: BSON.Document[] = [];
    BSON.deserializeStream(bson, 0, ACCOUNTS, documents, 0, {});
    expect(BSON.calculateObjectSize(documents[0] ?? {})).toBe(bson.readInt32LE(0));
    expect(documents.map(({ _id }) => String(_id))).toEqual(
      (await db.collection('users').find().sort({ _id: 1 }).toArray()).map(({ _id }) => String(_id)),
    );
    const metadata = JSON.parse(gunzipSync(await readFile(join(directory, 'users.metadata.json.gz'))).toString());
    expect(metadata).toMatchObject({ collectionName: 'users', type: 'collection' });
    expect(metadata.options.validator.$jsonSchema.required).toContain('email');
    expect(metadata.indexes).toContainEqual(expect.objectContaining({ name: 'idx_users_email', unique: true }));
  });

  it('holds every listed collection, unless it says why not, and how far migrations went', async () => {
    const { manifest } = await backUp(db, { storage: new DirectoryStorage(await freshDirectory()) });
    const names = [...collections.map(({ name }) => name), 'changelog'];
    expect(manifest.collections.map(({ name }) => name).sort()).toEqual(names.sort());
    const left = collections.filter(({ notBackedUp }) => notBackedUp !== undefined).map(({ name }) => name);
    expect(savedCollections().sort()).toEqual(names.filter((name) => !left.includes(name)));
    // Of the journal it holds what its moment needs.
    expect(left).toEqual(['jobs', 'backups', 'journal', 'journal_shipping', 'idempotency_keys', 'rate_limits']);
    expect(manifest.migrations).toEqual(await shippedMigrations());
  });

  it('tells in its manifest what it holds', async () => {
    const storage = new DirectoryStorage(await freshDirectory());
    const { manifest } = await backUp(db, { storage });
    const users = manifest.collections.find(({ name }) => name === 'users');
    expect(users).toMatchObject({ documents: ACCOUNTS, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(manifest).toMatchObject({ database: db.databaseName, encryption: null, consistent: true });
    const again = (await backUp(db, { storage })).manifest;
    expect(again.collections).toEqual(manifest.collections);
    await db.collection('users').updateOne({}, { $set: { firstName: 'Grace' } });
    const changed = (await backUp(db, { storage })).manifest.collections.find(({ name }) => name === 'users');
    expect(changed?.documents).toBe(users?.documents);
    for (const hash of ['sha256', 'digest'] as const) expect(changed?.[hash]).not.toBe(users?.[hash]);
  });

  it('can be read whatever the name of its database', async () => {
    const storage = new DirectoryStorage(await freshDirectory());
    const named = client.db("it's_(2)~é!");
    const { manifest } = await backUp(named, { storage });
    await (await openBackup(storage, manifest.id)).verify();
    expect(manifest.files[0]?.path).toMatch(/^it%27s_%282%29%7E%C3%A9%21\//);
  });

  it('is read back as it was written', async () => {
    const storage = new DirectoryStorage(await freshDirectory());
    const { manifest, hash } = await backUp(db, { storage });
    const backup = await openBackup(storage, manifest.id);
    expect(backup.hash).toBe(hash);
    await backup.verify();
    for (const name of savedCollections())
      expect(await documentsOf(backup, name), name).toEqual(
        await db.collection(name).find().sort({ _id: 1 }).toArray(),
      );
    expect(JSON.parse(await backup.metadata('users'))).toMatchObject({ collectionName: 'users' });
  });

  it('can be read by its owner alone', async () => {
    const root = await freshDirectory();
    const { manifest } = await backUp(db, { storage: new DirectoryStorage(root) });
    for (const path of [MANIFEST, join(db.databaseName, 'users.bson.gz')])
      expect((await stat(join(root, manifest.id, path))).mode & 0o077).toBe(0);
  });

  it('says that it is of no moment, where the database kept none while the journal was read', async () => {
    const storage = new DirectoryStorage(await freshDirectory());
    await db
      .collection('journal')
      .insertOne({ at: new Date(), transactionId: new ObjectId(), collection: 'users', documentId: 1, revision: 1 });
    // As MongoDB ends a transaction that is older than a minute: while it is read.
    const gone = new MongoServerError({ message: 'Transaction has been aborted.', code: 251 });
    let times = 0;
    const onDocuments = (_documents: number, collection: string) => {
      if (collection !== 'journal') return;
      times += 1;
      if (times === 1) throw gone;
    };
    const { signal } = new AbortController();
    const id = newBackupId(new Date());
    const { manifest } = await writeBackup(id, { client, db }, { storage, key: undefined, signal, onDocuments });
    expect(manifest).toMatchObject({ consistent: false });
    expect(manifest.moment).toBeUndefined();
    expect(times).toBe(2);
    await (await openBackup(storage, id)).verify();
  });
});
