// R8: a document that belongs to nothing. Elsewhere the parent was looked up before the child was written, and was deleted
// in between: the child stayed, was in no list, and came back with the next export; or a deletion went through its
// children one by one while new ones came, and left the last ones behind. Here whoever refers to a document writes it in
// the same transaction, so that this conflicts with its deletion, its restoration and each batch of what follows them.

import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Types } from 'mongoose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { purgeDueDocuments } from '../../src/models/document-purge.ts';
import { settle, settleAll } from '../../src/models/settling.ts';
import { User } from '../../src/models/user.ts';
import { eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import {
  addDomainModels,
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

const times = <T>(amount: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: amount }, (_, n) => work(n)));

/** At some moment of the storm. */
const soon = () => pause(randomInt(40));

const ROUNDS = [1, 2, 3, 4, 5, 6];

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

it.each(ROUNDS)('a restricted parent is deleted or referred to, never both (round %i)', async () => {
  const [task, tag] = [await stored('Task'), await stored('Tag')];
  const refer = async () => {
    await soon();
    return insertUnder('Tag', tag, 'TaskTag', { taskId: task, tagId: tag });
  };
  const [link, gone] = await Promise.all([refer(), soon().then(() => remove('Tag', tag).catch(({ code }) => code))]);
  expect([link === undefined, gone]).toBeOneOf([
    [true, true],
    [false, 'still-referenced'],
  ]);
  expect(await count('TaskTag')).toBe(link ? 1 : 0);
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
