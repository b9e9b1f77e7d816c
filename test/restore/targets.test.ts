import { Collection, type Db } from 'mongodb';
import mongoose from 'mongoose';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Storage } from '../../src/backup/storage/storage.ts';
import { UnfinishedRestoreError } from '../../src/migration-lock.ts';
import { migrateUp, pendingMigrations } from '../../src/migrations.ts';
import { person } from '../helpers/people.ts';
import { restores, stateOf } from '../helpers/restores.ts';

const trial = restores();
beforeAll(async () => {
  await trial.ship();
  await person(trial.service);
  await trial.backUp();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await trial.back();
});

const namesIn = async (db: Db) => (await db.listCollections().toArray()).map(({ name }) => name).sort();

/** Breaks off where the file of a collection is about to be read. */
const breakingAt = (name: string): Storage => {
  const storage = trial.storage();
  const read = storage.read.bind(storage);
  storage.read = (path) => (path.includes(name) ? Promise.reject(new Error('gone')) : read(path));
  return storage;
};

describe('a database that is not empty', () => {
  it('is refused, and nothing in it is touched', async () => {
    const db = trial.fresh();
    await db.collection('holidays').insertOne({ place: 'Ghent' });
    await expect(trial.moved({ target: db })).rejects.toThrow(
      `The database ${db.databaseName} is not empty: it has documents in holidays.`,
    );
    expect(await namesIn(db)).toEqual(['holidays']);
    expect(await db.collection('holidays').countDocuments()).toBe(1);
  });

  it('is the one that was backed up, too', async () => {
    const before = await stateOf(trial.source());
    await expect(trial.moved({ target: trial.source() })).rejects.toThrow('is not empty');
    expect(await stateOf(trial.source())).toEqual(before);
  });

  it('is not one that has collections alone', async () => {
    const db = trial.fresh();
    await db.createCollection('holidays');
    await trial.moved({ target: db });
    expect(await namesIn(db)).not.toContain('holidays');
  });
});

describe('a restore that broke off', () => {
  const brokenOff = async (): Promise<Db> => {
    const db = trial.fresh();
    await expect(trial.moved({ target: db, storage: breakingAt('sessions.bson') })).rejects.toThrow('sessions.bson');
    await trial.back();
    expect(await db.collection('users').countDocuments()).toBeGreaterThan(0);
    return db;
  };

  it('leaves a database that nobody takes for a whole one', async () => {
    const db = await brokenOff();
    const before = await db.collection('changelog_lock').find().toArray();
    expect(before.map(({ _id }) => String(_id))).toContain('restore');
    await expect(migrateUp(trial.client, db, () => {})).rejects.toThrow(UnfinishedRestoreError);
    vi.spyOn(mongoose.connection, 'name', 'get').mockReturnValue(db.databaseName);
    await expect(pendingMigrations(mongoose.connection)).rejects.toThrow(UnfinishedRestoreError);
    expect(await db.collection('changelog_lock').find().toArray()).toEqual(before);
  });

  it('since the database did not take all of it is noticed', async () => {
    const db = trial.fresh();
    const { insertMany } = Collection.prototype;
    vi.spyOn(Collection.prototype, 'insertMany').mockImplementation(function (this: Collection, documents, options) {
      const isUsers = this.dbName === db.databaseName && this.collectionName === 'users';
      const changed = documents.map((each) => (isUsers ? { ...each, firstName: 'another' } : each));
      return insertMany.call(this, changed, options);
    });
    await expect(trial.moved({ target: db })).rejects.toThrow('users does not hold what was put into it');
  });

  it('is begun anew by the next one, and is whole then', async () => {
    const db = await brokenOff();
    // What was left of it, and what somebody put there.
    await db.collection('users').updateMany({}, { $set: { firstName: 'left' } });
    const { report } = await trial.moved({ target: db });
    expect(await stateOf(db)).toEqual(await stateOf(trial.source()));
    expect(Object.keys(report.collections)).toContain('users');
    await trial.back();
    expect(await migrateUp(trial.client, db, () => {})).toEqual([]);
  });
});
