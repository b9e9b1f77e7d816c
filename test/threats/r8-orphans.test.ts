// R8: a document that belongs to nothing. Elsewhere the parent was looked up before the child was written, and was deleted
// in between: the child stayed, was in no list, and came back with the next export; or a deletion went through its
// children one by one while new ones came, and left the last ones behind. Here whoever refers to a document writes it in
// the same transaction, so that this conflicts with its deletion, its restoration and each batch of what follows them.

import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Types } from 'mongoose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { transaction } from '../../src/database.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { markDeleted } from '../../src/models/deletion.ts';
import { purgeDueDocuments } from '../../src/models/document-purge.ts';
import { LIVE } from '../../src/models/life.ts';
import { settle, settleAll } from '../../src/models/settling.ts';
import { User } from '../../src/models/user.ts';
import { eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import {
  beforeNext,
  count,
  domainModel,
  domainTrial,
  insertUnder,
  leftBehind,
  orphans,
  remove,
  restore,
  stored,
  storedMany,
} from '../helpers/domain-models.ts';
import { person } from '../helpers/people.ts';

const { signal } = new AbortController();

const trial = domainTrial();
beforeEach(() => trial.empty());
afterEach(() => vi.restoreAllMocks());

const times = <T>(amount: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: amount }, (_, n) => work(n)));

/** At some moment of the storm. */
const soon = () => pause(randomInt(40));

/** So long a transaction stays open, for another one to come in between if it can. */
const OPEN_MS = 250;

const ROUNDS = [1, 2, 3];

it.each(ROUNDS)('a parent deleted while children are inserted leaves none behind (round %i)', async () => {
  const project = await stored('TrialProject');
  const inserts = times(12, async () => {
    await soon();
    return insertUnder('TrialProject', project, 'TrialTask', { projectId: project });
  });
  await soon();
  await remove('TrialProject', project, -1);
  const made = (await inserts).filter((id) => id !== undefined).length;
  expect(await count('TrialTask')).toBe(made);
  await settle('TrialProject', project);
  expect(await leftBehind()).toEqual([]);
  expect(await purgeDueDocuments(signal)).toBe(1);
  expect([await count('TrialProject'), await count('TrialTask')]).toEqual([0, 0]);
});

describe('of two transactions that are open at once', () => {
  it.each(['TrialTaskTag', 'TrialInvoice'])(
    'a reference that was first keeps its parent from being deleted (%s)',
    async (name) => {
      const [parentName, path] = name === 'TrialTaskTag' ? ['TrialTag', 'tagId'] : ['User', 'ownerId'];
      const parent =
        name === 'TrialTaskTag' ? await stored('TrialTag') : new Types.ObjectId((await person(trial.service)).id);
      let deletion: Promise<unknown> | undefined;
      beforeNext(domainModel(name).collection, 'insertOne', () => {
        deletion = (
          name === 'TrialTaskTag'
            ? remove('TrialTag', parent)
            : transaction((tx) => eraseUser(tx, SYSTEM, { id: parent }))
        ).catch(({ code }) => code);
        return pause(OPEN_MS);
      });
      expect(await insertUnder(parentName as string, parent, name, { [path as string]: parent })).toBeDefined();
      expect(await deletion).toBe('still-referenced');
      expect(await count(name)).toBe(1);
    },
  );

  it('a deletion that was first keeps documents from referring to it', async () => {
    const tag = await stored('TrialTag');
    let insert: Promise<unknown> | undefined;
    await transaction(async (tx) => {
      const now = new Date();
      await markDeleted(tx, { modelName: 'TrialTag' }, { _id: tag }, { purgeAt: now, now });
      insert ??= insertUnder('TrialTag', tag, 'TrialTaskTag', { tagId: tag });
      await pause(OPEN_MS);
    });
    expect(await insert).toBeUndefined();
    expect(await count('TrialTaskTag')).toBe(0);
  });

  it('a batch of what follows a deletion is not overtaken by the restoration', async () => {
    const project = await stored('TrialProject');
    await storedMany('TrialTask', 3, { projectId: project });
    await remove('TrialProject', project);
    let restoration: Promise<unknown> | undefined;
    beforeNext(domainModel('TrialTask'), 'bulkWrite', () => {
      restoration = restore('TrialProject', project).then(() => settle('TrialProject', project));
      return pause(OPEN_MS);
    });
    await settle('TrialProject', project);
    await restoration;
    await settleAll(signal);
    expect(await count('TrialTask', LIVE)).toBe(3);
  });

  it('what comes back under one parent does not stay when another one is deleted', async () => {
    const [project, milestone] = [await stored('TrialProject'), await stored('TrialMilestone')];
    await stored('TrialTask', { projectId: project, milestoneId: milestone });
    await remove('TrialProject', project);
    await settle('TrialProject', project);
    await restore('TrialProject', project);
    let deletion: Promise<unknown> | undefined;
    beforeNext(domainModel('TrialTask'), 'updateMany', () => {
      deletion = remove('TrialMilestone', milestone).then(() => settle('TrialMilestone', milestone));
      return pause(OPEN_MS);
    });
    await settle('TrialProject', project);
    await deletion;
    expect(await leftBehind()).toEqual([]);
    expect(await count('TrialTask', LIVE)).toBe(0);
  });

  it('a purge closes what it removes before it looks for what refers to it', async () => {
    const id = new Types.ObjectId((await person(trial.service)).id);
    // Not deleted itself: an account takes nothing along before it is purged.
    const project = await stored('TrialProject', { ownerId: id });
    await transaction((tx) => eraseUser(tx, SYSTEM, { id }));
    let late: unknown;
    beforeNext(domainModel('TrialProject').collection, 'deleteMany', async () => {
      late = await insertUnder('TrialProject', project, 'TrialTask', { projectId: project });
    });
    expect(await purgeUser(trial.service.deps.keyring, SYSTEM, id)).not.toBeNull();
    expect(late).toBeUndefined();
    expect([await count('TrialProject'), await count('TrialTask')]).toEqual([0, 0]);
  });
});

it.each(ROUNDS)('deletions, restorations and insertions at once leave nothing half (round %i)', async () => {
  const project = await stored('TrialProject');
  const milestone = await stored('TrialMilestone', { projectId: project });
  const tasks = await storedMany('TrialTask', 30, { projectId: project, milestoneId: milestone });
  await storedMany('TrialComment', 30, { taskId: tasks[0] });
  const storm = async (n: number): Promise<unknown> => {
    await pause(randomInt(150));
    const [name, id] = n % 2 === 0 ? (['TrialProject', project] as const) : (['TrialMilestone', milestone] as const);
    switch (n % 5) {
      case 0:
        return remove(name, id).then(() => settle(name, id));
      case 1:
        return restore(name, id).then(() => settle(name, id));
      case 2:
        return insertUnder(name, id, 'TrialTask', { [`${name.toLowerCase()}Id`]: id });
      case 3:
        return insertUnder('TrialTask', tasks[n % 30] as Types.ObjectId, 'TrialComment', { taskId: tasks[n % 30] });
      default:
        return settleAll(signal);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => storm(n)));
  const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
  expect(refused.filter((code) => code !== 'parent-deleted')).toEqual([]);
  await settleAll(signal);
  expect(await leftBehind()).toEqual([]);
  for (const name of ['TrialProject', 'TrialMilestone', 'TrialTask'])
    expect(await count(name, { settling: true })).toBe(0);
  // All that went with something comes back with it.
  await restore('TrialProject', project);
  await settleAll(signal);
  await restore('TrialMilestone', milestone);
  await settleAll(signal);
  for (const name of ['TrialTask', 'TrialComment']) expect(await count(name, { deletedAt: { $exists: true } })).toBe(0);
  expect(await orphans()).toEqual([]);
});

it.each(ROUNDS)('an account erased while documents come to refer to it leaves none (round %i)', async () => {
  const id = new Types.ObjectId((await person(trial.service)).id);
  const project = await stored('TrialProject', { ownerId: id });
  const inserts = times(8, async (n) => {
    await soon();
    return n % 2 === 0
      ? insertUnder('User', id, 'TrialProject', { ownerId: id })
      : insertUnder('TrialProject', project, 'TrialTask', { projectId: project });
  });
  await soon();
  await transaction((tx) => eraseUser(tx, SYSTEM, { id }));
  expect(await purgeUser(trial.service.deps.keyring, SYSTEM, id)).not.toBeNull();
  expect(await inserts).toHaveLength(8);
  expect([await count('TrialProject'), await count('TrialTask')]).toEqual([0, 0]);
  expect(await User.exists({ _id: id })).toBeNull();
});

it('referring to a document changes nothing that a reader of it sees', async () => {
  const id = new Types.ObjectId((await person(trial.service)).id);
  const project = await stored('TrialProject', { ownerId: id });
  const look = async () => {
    const {
      childrenRevision: _,
      journalRevision: __,
      ...seen
    } = (await User.findById(id).lean()) as Record<string, unknown>;
    const stands = (await domainModel('TrialProject').findById(project).lean()) as Record<string, unknown>;
    const { childrenRevision: ___, journalRevision: ____, ...shown } = stands;
    return { seen, shown };
  };
  const before = await look();
  await insertUnder('User', id, 'TrialProject', { ownerId: id });
  await insertUnder('TrialProject', project, 'TrialTask', { projectId: project });
  expect(await look()).toEqual(before);
});
