// R8: a document that belongs to nothing. Elsewhere the parent was looked up before the child was written, and was deleted
// in between: the child stayed, was in no list, and came back with the next export; or a deletion went through its
// children one by one while new ones came, and left the last ones behind. Here whoever refers to a document writes it in
// the same transaction, so that this conflicts with its deletion, its restoration and each batch of what follows them.

import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Types } from 'mongoose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { transaction } from '../../src/database.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { markDeleted } from '../../src/models/deletion.ts';
import { purgeDueDocuments } from '../../src/models/document-purge.ts';
import { LIVE } from '../../src/models/life.ts';
import { settle, settleAll } from '../../src/models/settling.ts';
import { User } from '../../src/models/user.ts';
import { eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import {
  addDomainModels,
  beforeNext,
  count,
  domainModel,
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

let service: TestApp;
let domain: Awaited<ReturnType<typeof addDomainModels>>;
beforeAll(async () => {
  service = await buildTestApp();
  domain = await addDomainModels();
});
afterAll(async () => {
  await domain.remove();
  await service.close();
});
beforeEach(() => domain.empty());
afterEach(() => vi.restoreAllMocks());

const times = <T>(amount: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: amount }, (_, n) => work(n)));

/** At some moment of the storm. */
const soon = () => pause(randomInt(40));

/** So long a transaction stays open, for another one to come in between if it can. */
const OPEN_MS = 250;

const ROUNDS = [1, 2, 3];

it.each(ROUNDS)('a parent deleted while children are inserted leaves none behind (round %i)', async () => {
  const project = await stored('Project');
  const inserts = times(12, async () => {
    await soon();
    return insertUnder('Project', project, 'Task', { projectId: project });
  });
  await soon();
  await remove('Project', project, -1);
  const made = (await inserts).filter((id) => id !== undefined).length;
  expect(await count('Task')).toBe(made);
  await settle('Project', project);
  expect(await leftBehind()).toEqual([]);
  expect(await purgeDueDocuments(signal)).toBe(1);
  expect([await count('Project'), await count('Task')]).toEqual([0, 0]);
});

describe('of two transactions that are open at once', () => {
  it.each(['TaskTag', 'Invoice'])(
    'a reference that was first keeps its parent from being deleted (%s)',
    async (name) => {
      const [parentName, path] = name === 'TaskTag' ? ['Tag', 'tagId'] : ['User', 'ownerId'];
      const parent = name === 'TaskTag' ? await stored('Tag') : new Types.ObjectId((await person(service)).id);
      let deletion: Promise<unknown> | undefined;
      beforeNext(domainModel(name).collection, 'insertOne', () => {
        deletion = (
          name === 'TaskTag' ? remove('Tag', parent) : transaction((tx) => eraseUser(tx, SYSTEM, { id: parent }))
        ).catch(({ code }) => code);
        return pause(OPEN_MS);
      });
      expect(await insertUnder(parentName as string, parent, name, { [path as string]: parent })).toBeDefined();
      expect(await deletion).toBe('still-referenced');
      expect(await count(name)).toBe(1);
    },
  );

  it('a deletion that was first keeps documents from referring to it', async () => {
    const tag = await stored('Tag');
    let insert: Promise<unknown> | undefined;
    await transaction(async (tx) => {
      const now = new Date();
      await markDeleted(tx, { modelName: 'Tag' }, { _id: tag }, { purgeAt: now, now });
      insert ??= insertUnder('Tag', tag, 'TaskTag', { tagId: tag });
      await pause(OPEN_MS);
    });
    expect(await insert).toBeUndefined();
    expect(await count('TaskTag')).toBe(0);
  });

  it('a batch of what follows a deletion is not overtaken by the restoration', async () => {
    const project = await stored('Project');
    await storedMany('Task', 3, { projectId: project });
    await remove('Project', project);
    let restoration: Promise<unknown> | undefined;
    beforeNext(domainModel('Task'), 'bulkWrite', () => {
      restoration = restore('Project', project).then(() => settle('Project', project));
      return pause(OPEN_MS);
    });
    await settle('Project', project);
    await restoration;
    await settleAll(signal);
    expect(await count('Task', LIVE)).toBe(3);
  });

  it('what comes back under one parent does not stay when another one is deleted', async () => {
    const [project, milestone] = [await stored('Project'), await stored('Milestone')];
    await stored('Task', { projectId: project, milestoneId: milestone });
    await remove('Project', project);
    await settle('Project', project);
    await restore('Project', project);
    let deletion: Promise<unknown> | undefined;
    beforeNext(domainModel('Task'), 'updateMany', () => {
      deletion = remove('Milestone', milestone).then(() => settle('Milestone', milestone));
      return pause(OPEN_MS);
    });
    await settle('Project', project);
    await deletion;
    expect(await leftBehind()).toEqual([]);
    expect(await count('Task', LIVE)).toBe(0);
  });

  it('a purge closes what it removes before it looks for what refers to it', async () => {
    const id = new Types.ObjectId((await person(service)).id);
    // Not deleted itself: an account takes nothing along before it is purged.
    const project = await stored('Project', { ownerId: id });
    await transaction((tx) => eraseUser(tx, SYSTEM, { id }));
    let late: unknown;
    beforeNext(domainModel('Project').collection, 'deleteMany', async () => {
      late = await insertUnder('Project', project, 'Task', { projectId: project });
    });
    expect(await purgeUser(service.deps.keyring, SYSTEM, id)).not.toBeNull();
    expect(late).toBeUndefined();
    expect([await count('Project'), await count('Task')]).toEqual([0, 0]);
  });
});

it.each(ROUNDS)('deletions, restorations and insertions at once leave nothing half (round %i)', async () => {
  const project = await stored('Project');
  const milestone = await stored('Milestone', { projectId: project });
  const tasks = await storedMany('Task', 30, { projectId: project, milestoneId: milestone });
  await storedMany('Comment', 30, { taskId: tasks[0] });
  const storm = async (n: number): Promise<unknown> => {
    await pause(randomInt(150));
    const [name, id] = n % 2 === 0 ? (['Project', project] as const) : (['Milestone', milestone] as const);
    switch (n % 5) {
      case 0:
        return remove(name, id).then(() => settle(name, id));
      case 1:
        return restore(name, id).then(() => settle(name, id));
      case 2:
        return insertUnder(name, id, 'Task', { [`${name.toLowerCase()}Id`]: id });
      case 3:
        return insertUnder('Task', tasks[n % 30] as Types.ObjectId, 'Comment', { taskId: tasks[n % 30] });
      default:
        return settleAll(signal);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => storm(n)));
  const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
  expect(refused.filter((code) => code !== 'parent-deleted')).toEqual([]);
  await settleAll(signal);
  expect(await leftBehind()).toEqual([]);
  for (const name of ['Project', 'Milestone', 'Task']) expect(await count(name, { settling: true })).toBe(0);
  // All that went with something comes back with it.
  await restore('Project', project);
  await settleAll(signal);
  await restore('Milestone', milestone);
  await settleAll(signal);
  for (const name of ['Task', 'Comment']) expect(await count(name, { deletedAt: { $exists: true } })).toBe(0);
  expect(await orphans()).toEqual([]);
});

it.each(ROUNDS)('an account erased while documents come to refer to it leaves none (round %i)', async () => {
  const id = new Types.ObjectId((await person(service)).id);
  const project = await stored('Project', { ownerId: id });
  const inserts = times(8, async (n) => {
    await soon();
    return n % 2 === 0
      ? insertUnder('User', id, 'Project', { ownerId: id })
      : insertUnder('Project', project, 'Task', { projectId: project });
  });
  await soon();
  await transaction((tx) => eraseUser(tx, SYSTEM, { id }));
  expect(await purgeUser(service.deps.keyring, SYSTEM, id)).not.toBeNull();
  expect(await inserts).toHaveLength(8);
  expect([await count('Project'), await count('Task')]).toEqual([0, 0]);
  expect(await User.exists({ _id: id })).toBeNull();
});

it('referring to a document changes nothing that a reader of it sees', async () => {
  const id = new Types.ObjectId((await person(service)).id);
  const project = await stored('Project', { ownerId: id });
  const look = async () => {
    const { childrenRevision: _, ...seen } = (await User.findById(id).lean()) as Record<string, unknown>;
    const { childrenRevision: __, ...shown } = (await domainModel('Project').findById(project).lean()) as Record<
      string,
      unknown
    >;
    return { seen, shown };
  };
  const before = await look();
  await insertUnder('User', id, 'Project', { ownerId: id });
  await insertUnder('Project', project, 'Task', { projectId: project });
  expect(await look()).toEqual(before);
});
