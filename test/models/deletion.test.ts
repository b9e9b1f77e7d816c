import { Types } from 'mongoose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { settleDocuments } from '../../src/jobs/settle-documents.ts';
import { checkRelations } from '../../src/models/relations.ts';
import { countUnsettled, settle, settleAll } from '../../src/models/settling.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import {
  addDomainModels,
  count,
  domainModel,
  insertUnder,
  killAfter,
  leftBehind,
  orphans,
  read,
  remove,
  restore,
  stored,
  storedMany,
} from '../helpers/domain-models.ts';

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
afterEach(async () => {
  vi.restoreAllMocks();
  await settleAll(signal);
});

it('the models of these tests keep their references', () => {
  for (const name of ['Project', 'Milestone', 'Task', 'Comment', 'Tag', 'TaskTag', 'Invoice'])
    expect(() => checkRelations(domainModel(name))).not.toThrow();
});

const gone = async (name: string, id: Types.ObjectId) => (await read(name, id))?.deletedAt !== undefined;

/** A project with a task, a comment on it and an answer to that. */
async function family() {
  const project = await stored('Project', { name: 'Engine' });
  const task = await stored('Task', { projectId: project });
  const comment = await stored('Comment', { taskId: task });
  const answer = await stored('Comment', { taskId: task, inReplyTo: comment });
  return { project, task, comment, answer };
}

describe('a deleted document', () => {
  it('takes along what belongs to it, through all generations, and brings it back', async () => {
    const { project, task, comment, answer } = await family();
    expect(await remove('Project', project)).toBe(true);
    expect(await read('Project', project)).toMatchObject({ revision: 2, settling: true });
    await settle('Project', project);
    const top = await read('Project', project);
    expect(top).not.toHaveProperty('settling');
    expect(await read('Task', task)).toMatchObject({
      deletedAt: top?.deletedAt,
      purgeAt: top?.purgeAt,
      deletedWith: project,
      revision: 2,
    });
    for (const id of [comment, answer]) expect(await gone('Comment', id)).toBe(true);
    expect(await restore('Project', project)).toBe(true);
    await settle('Project', project);
    const back = await read('Task', task);
    for (const path of ['deletedAt', 'purgeAt', 'deletedWith', 'settling']) expect(back).not.toHaveProperty(path);
    for (const id of [comment, answer]) expect(await gone('Comment', id)).toBe(false);
    expect(await leftBehind()).toEqual([]);
  });

  it('is deleted once, and restored once', async () => {
    const project = await stored('Project');
    expect(await remove('Project', project)).toBe(true);
    expect(await remove('Project', project)).toBe(false);
    expect(await restore('Project', project)).toBe(true);
    expect(await restore('Project', project)).toBe(false);
  });

  it('is not restored once its time is over', async () => {
    const project = await stored('Project');
    await remove('Project', project, -1);
    expect(await restore('Project', project)).toBe(false);
  });

  it('that went with another is not restored without that', async () => {
    const { project, task } = await family();
    await remove('Project', project);
    await settle('Project', project);
    expect(await restore('Task', task)).toBe(false);
  });

  it('that was deleted by itself does not come back with what it belongs to, nor without that', async () => {
    const { project, task, comment } = await family();
    await remove('Task', task);
    await settle('Task', task);
    await remove('Project', project);
    await settle('Project', project);
    await expect(restore('Task', task)).rejects.toMatchObject({ code: 'parent-deleted' });
    expect(await gone('Task', task)).toBe(true);
    await restore('Project', project);
    await settle('Project', project);
    expect([await gone('Task', task), await gone('Comment', comment)]).toEqual([true, true]);
    expect(await restore('Task', task)).toBe(true);
    await settle('Task', task);
    expect(await gone('Comment', comment)).toBe(false);
  });

  it('that belongs to two comes back when both are there', async () => {
    const project = await stored('Project');
    const milestone = await stored('Milestone');
    const task = await stored('Task', { projectId: project, milestoneId: milestone });
    const comment = await stored('Comment', { taskId: task });
    await remove('Project', project);
    await settle('Project', project);
    await remove('Milestone', milestone);
    await settle('Milestone', milestone);
    await restore('Project', project);
    await settle('Project', project);
    expect(await read('Task', task)).toMatchObject({ deletedWith: milestone });
    expect(await leftBehind()).toEqual([]);
    await restore('Milestone', milestone);
    await settle('Milestone', milestone);
    expect([await gone('Task', task), await gone('Comment', comment)]).toEqual([false, false]);
    expect(await settleAll(signal)).toBe(0);
  });

  it('of which documents lead to each other in a circle is settled all the same', async () => {
    const first = new Types.ObjectId();
    const second = await stored('Comment', { inReplyTo: first });
    await stored('Comment', { _id: first, inReplyTo: second });
    await remove('Comment', first);
    await settle('Comment', first);
    expect(await gone('Comment', second)).toBe(true);
    await restore('Comment', first).catch(() => {});
    await settleAll(signal);
    expect(await leftBehind()).toEqual([]);
  });
});

describe('what still refers to it', () => {
  it('keeps it from being deleted where the relation restricts, deleted or not', async () => {
    const { project, task } = await family();
    const tag = await stored('Tag', { projectId: project });
    const link = await stored('TaskTag', { taskId: task, tagId: tag });
    await expect(remove('Tag', tag)).rejects.toMatchObject({ code: 'still-referenced', status: 409 });
    await remove('TaskTag', link);
    await expect(remove('Tag', tag)).rejects.toThrow('task_tags');
    expect(await gone('Tag', tag)).toBe(false);
    await domainModel('TaskTag').deleteOne({ _id: link });
    expect(await remove('Tag', tag)).toBe(true);
  });

  it('keeps what it would go with, too', async () => {
    const project = await stored('Project');
    const tags = await storedMany('Tag', 1_100, { projectId: project });
    await stored('TaskTag', { tagId: tags.at(-1) });
    await expect(remove('Project', project)).rejects.toMatchObject({ code: 'still-referenced' });
    expect(await gone('Project', project)).toBe(false);
  });
});

describe('an interrupted deletion', () => {
  it('is gone on with by the schedule, whichever batch it broke off in', async () => {
    const project = await stored('Project');
    const tasks = await storedMany('Task', 1_200, { projectId: project });
    await storedMany('Comment', 30, { taskId: tasks[7] });
    await remove('Project', project);
    killAfter(3, domainModel('Task'), 'updateMany');
    await expect(settle('Project', project)).rejects.toThrow('killed');
    vi.restoreAllMocks();
    const half = await count('Task', { projectId: project, deletedAt: { $exists: true } });
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(1_200);
    expect(await countUnsettled()).toBeGreaterThan(1);
    const { settled } = await settleDocuments.run(signal);
    expect(settled).toBeGreaterThan(1);
    expect(await leftBehind()).toEqual([]);
    expect([await countUnsettled(), await settleAll(signal)]).toEqual([0, 0]);
    await restore('Project', project);
    await settle('Project', project);
    expect(await count('Task', { projectId: project, deletedAt: { $exists: true } })).toBe(0);
    expect(await count('Comment', { taskId: tasks[7], deletedAt: { $exists: true } })).toBe(0);
  });

  it('is overtaken by a restoration', async () => {
    const { project, task } = await family();
    await remove('Project', project);
    await restore('Project', project);
    await Promise.all([settle('Project', project), settle('Project', project), settleAll(signal)]);
    expect(await gone('Task', task)).toBe(false);
    expect(await leftBehind()).toEqual([]);
  });
});

it('nothing comes to refer to what is deleted', async () => {
  const { project, task } = await family();
  await remove('Project', project);
  expect(await insertUnder('Project', project, 'Task', { projectId: project })).toBeUndefined();
  await settle('Project', project);
  expect(await insertUnder('Task', task, 'Comment', { taskId: task })).toBeUndefined();
  expect(await insertUnder('Project', new Types.ObjectId(), 'Task', {})).toBeUndefined();
  expect(await orphans()).toEqual([]);
});
