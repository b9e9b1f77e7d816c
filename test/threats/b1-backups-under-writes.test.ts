// B1: the backup of no moment. Elsewhere collections were copied one after the other while the service wrote: the copy
// held a session without its account, money that had left one account and had not come to the other, and nobody could
// say of which time it was. Here a backup that is made under writes is of one moment: what was acknowledged before it is
// in it, and each transaction is in it as a whole or not at all, however slowly it is copied.

import { Types } from 'mongoose';
import { beforeAll, expect, it } from 'vitest';
import type { Storage } from '../../src/backup/storage/storage.ts';
import { transaction } from '../../src/database.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Team } from '../../src/models/team.ts';
import { User } from '../../src/models/user.ts';
import { backUp } from '../helpers/backups.ts';
import { person } from '../helpers/people.ts';
import { restores } from '../helpers/restores.ts';

const trial = restores();
let account: Types.ObjectId;
let team: Types.ObjectId;
beforeAll(async () => {
  account = new Types.ObjectId((await person(trial.service)).id);
  team = new Types.ObjectId();
  const now = new Date();
  await Team.create([{ _id: team, name: 'n0', revision: 1, createdAt: now, updatedAt: now }]);
});

/** The same number in two collections. */
async function change(n: number): Promise<void> {
  await transaction(async (tx) => {
    await User.updateOne({ _id: account }, { $set: { firstName: `n${n}` } }, { session: tx });
    await Team.updateOne({ _id: team }, { $set: { name: `n${n}` } }, { session: tx });
  });
}

/** Does something before each file is written: whatever is copied, the service has written just before. */
function between(storage: Storage, work: (path: string) => Promise<void>): Storage {
  return new Proxy(storage, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (property !== 'write') return typeof value === 'function' ? value.bind(target) : value;
      return async (path: string, content: AsyncIterable<Uint8Array>) => {
        await work(path);
        await target.write(path, content);
      };
    },
  });
}

it('has each transaction as a whole, whatever was written between any two of its files', async () => {
  let [n, last] = [0, 0];
  const storage = between(trial.storage(), async (path) => {
    n += 1;
    await change(n);
    // The journal is read last; of what comes afterwards nothing is in it.
    if (path.includes('journal.bson')) last = n;
  });
  const { manifest } = await backUp(trial.source(), { storage, keys: trial.keys });
  expect(n).toBeGreaterThan(40);
  const { db } = await trial.restored({ backup: manifest.id });
  const name = (await db.collection('teams').findOne({ _id: team }))?.['name'];
  expect((await db.collection('users').findOne({ _id: account }))?.['firstName']).toBe(name);
  // All that was acknowledged before the moment is there.
  expect(Number(String(name).slice(1))).toBeGreaterThanOrEqual(last - 1);
});

it('has what was made and removed meanwhile, as it was at the end', async () => {
  const made: string[] = [];
  const gone: string[] = [];
  const storage = between(trial.storage(), async (path) => {
    if (path.includes('journal.') || path.includes('manifest')) return;
    const [_id, now] = [new Types.ObjectId(), new Date()];
    await Team.create([{ _id, name: 'made', revision: 1, createdAt: now, updatedAt: now }]);
    made.push(String(_id));
    if (made.length % 2 === 0) {
      const first = made.shift() ?? '';
      await Team.deleteOne({ _id: first });
      gone.push(first);
    }
  });
  const { manifest } = await backUp(trial.source(), { storage, keys: trial.keys });
  const { db } = await trial.restored({ backup: manifest.id });
  const there = (await db.collection('teams').distinct('_id')).map(String);
  expect(made.filter((id) => !there.includes(id))).toEqual([]);
  expect(gone.filter((id) => there.includes(id))).toEqual([]);
  expect(gone.length).toBeGreaterThan(10);
});

it('has the events of all that is in it, and of nothing else', async () => {
  const ids: string[] = [];
  const storage = between(trial.storage(), async (path) => {
    if (/(users|teams|audit_events)\.bson/.test(path)) ids.push((await person(trial.service)).id);
  });
  const { manifest } = await backUp(trial.source(), { storage, keys: trial.keys });
  const { db } = await trial.restored({ backup: manifest.id });
  expect(ids).toHaveLength(3);
  for (const id of ids) {
    const _id = new Types.ObjectId(id);
    expect(await db.collection('users').countDocuments({ _id })).toBe(1);
    const events = { action: 'user.created', 'target.id': _id } as const;
    expect(await db.collection('audit_events').countDocuments(events)).toBe(await AuditEvent.countDocuments(events));
  }
});
