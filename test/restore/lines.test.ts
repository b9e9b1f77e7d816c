import { setTimeout as pause } from 'node:timers/promises';
import { type Db, ObjectId } from 'mongodb';
import { Types } from 'mongoose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeManifest } from '../../src/backup/manifest.ts';
import { once } from '../../src/backup/noted-file.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import type { Storage } from '../../src/backup/storage/storage.ts';
import { transaction } from '../../src/database.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { Journal } from '../../src/models/journal.ts';
import { JournalShipping } from '../../src/models/journal-shipping.ts';
import { Team } from '../../src/models/team.ts';
import { User } from '../../src/models/user.ts';
import { eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import { backUp } from '../helpers/backups.ts';
import { person } from '../helpers/people.ts';
import { restores, stateOf } from '../helpers/restores.ts';

const trial = restores();
beforeAll(async () => {
  await trial.ship();
});
afterEach(() => trial.back());

const nameOf = async (db: Db, id: string) =>
  (await db.collection('users').findOne({ _id: new ObjectId(id) }))?.['firstName'];
const rename = (id: string, firstName: string) =>
  transaction((tx) => User.updateOne({ _id: id }, { $set: { firstName } }, { session: tx }));

async function erase(id: string): Promise<void> {
  const _id = new Types.ObjectId(id);
  await transaction((tx) => eraseUser(tx, SYSTEM, { id: _id }));
  expect(await purgeUser(trial.service.deps.keyring, SYSTEM, _id)).not.toBeNull();
}

describe('a database that was restored', () => {
  it('ships to a line of its own, and is restored again from its next backup and that', async () => {
    const ada = await person(trial.service);
    await trial.backUp();
    await rename(ada.id, 'before');
    await trial.ship();
    const { timeline } = await JournalShipping.findOne().orFail().lean();
    const { db } = await trial.moved();
    // Under its own name it would be the same database to the storage.
    const database = db.databaseName;
    await rename(ada.id, 'restored');
    await trial.ship();
    const own = await JournalShipping.findOne().orFail().lean();
    expect(own.timeline).not.toBe(timeline);
    const { manifest } = await trial.backUp();
    expect([manifest.timeline, manifest.database]).toEqual([own.timeline, database]);
    await rename(ada.id, 'afterwards');
    await trial.ship();
    const state = await stateOf(db);
    const again = await trial.moved({ database });
    expect(again.report.backup).toBe(manifest.id);
    expect(await nameOf(again.db, ada.id)).toBe('afterwards');
    expect(await stateOf(again.db)).toEqual(state);
    // And the old line still tells of the old database.
    expect(await nameOf((await trial.moved()).db, ada.id)).toBe('before');
  });

  it('brings nobody back who was erased in it before it had a backup', async () => {
    const eve = await person(trial.service);
    const { manifest } = await trial.backUp();
    // As a restore in its own place leaves it: the same name, another line.
    await JournalShipping.deleteMany({});
    await erase(eve.id);
    await trial.ship();
    const { report, db } = await trial.moved();
    expect([report.backup, report.erasedAgain]).toEqual([manifest.id, 1]);
    expect(await db.collection('users').findOne({ _id: new ObjectId(eve.id) })).toBeNull();
  });
});

describe('a moment', () => {
  it('has the events of whoever was erased before they were shipped, without what is personal', async () => {
    await trial.ship();
    await trial.backUp();
    const eve = await person(trial.service);
    const to = new Date();
    const before = await AuditEvent.find({ 'actor.id': eve.id }).distinct('_id');
    expect(before.length).toBeGreaterThan(0);
    await pause(2);
    await erase(eve.id);
    await trial.ship();
    const { db } = await trial.moved({ to });
    const events = await db
      .collection('audit_events')
      .find({ _id: { $in: before } })
      .toArray();
    expect(events).toHaveLength(before.length);
    expect(events.filter(({ personal }) => personal != null)).toEqual([]);
  });

  it('has all of a transaction whose clock was ahead, also where its copies are from both sides of it', async () => {
    const ada = await person(trial.service);
    await rename(ada.id, 'before');
    const team = new Types.ObjectId();
    // Accounts are copied when the teams are still to come.
    const storage = onceWritten(trial.storage(), 'users.bson.gz.enc', async () => {
      const ids = await Journal.find().distinct('_id');
      await transaction(async (tx) => {
        const now = new Date();
        await Team.create([{ _id: team, name: 'Whole', revision: 1, createdAt: now, updatedAt: now }], { session: tx });
        await User.updateOne({ _id: ada.id }, { $set: { firstName: 'after' } }, { session: tx });
      });
      const ahead = { $set: { at: new Date(Date.now() + 60_000) } };
      await Journal.updateMany({ _id: { $nin: ids } }, ahead);
    });
    const { manifest } = await backUp(trial.source(), { storage, keys: trial.keys });
    const { db } = await trial.moved({ backup: manifest.id });
    expect([await nameOf(db, ada.id), await db.collection('teams').countDocuments({ _id: team })]).toEqual([
      'after',
      1,
    ]);
  });

  it('has the documents of a collection that there was none of in the backup', async () => {
    const storage = new DirectoryStorage(await trial.freshDirectory());
    const _id = new Types.ObjectId();
    const now = new Date();
    await transaction((tx) =>
      Team.create([{ _id, name: 'New', revision: 1, createdAt: now, updatedAt: now }], { session: tx }),
    );
    const { manifest } = await backUp(trial.source(), { storage });
    const older = { ...manifest, collections: manifest.collections.filter(({ name }) => name !== 'teams') };
    await storage.write(`${manifest.id}/manifest.json`, once(Buffer.from(writeManifest(older, undefined))));
    const { db } = await trial.moved({ storage, keys: undefined });
    expect(await db.collection('teams').countDocuments({ _id })).toBe(1);
  });
});

/** Does something once a file of that name has been written. */
function onceWritten(storage: Storage, name: string, then: () => Promise<void>): Storage {
  return new Proxy(storage, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (property !== 'write') return typeof value === 'function' ? value.bind(target) : value;
      return async (path: string, content: AsyncIterable<Uint8Array>) => {
        await target.write(path, content);
        if (path.endsWith(name)) await then();
      };
    },
  });
}
