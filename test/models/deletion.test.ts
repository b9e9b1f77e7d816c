import { Types } from 'mongoose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { settleDocuments } from '../../src/jobs/settle-documents.ts';
import { checkRelations } from '../../src/models/relations.ts';
import { countUnsettled, settle, settleAll } from '../../src/models/settling.ts';
import {
  count,
  domainModel,
  domainTrial,
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

domainTrial();
afterEach(async () => {
  vi.restoreAllMocks();
  await settleAll(signal);
});

it('the models of these tests keep their references', () => {
  for (const name of [
    'TrialProject',
    'TrialMilestone',
    'TrialTask',
    'TrialComment',
    'TrialTag',
    'TrialTaskTag',
    'TrialInvoice',
  ])
    expect(() => checkRelations(domainModel(name))).not.toThrow();
});

const gone = async (name: string, id: Types.ObjectId) => (await read(name, id))?.deletedAt !== undefined;

/** A project with a task, a comment on it and an answer to that. */
async function family() {
  const project = await stored('TrialProject', { name: 'Engine' });
  const task = await stored('TrialTask', { projectId: project });
  const comment = await stored('TrialComment', { taskId: task });
  const answer = await stored('TrialComment', { taskId: task, inReplyTo: comment });
  return { project, task, comment, answer };
}

describe('a deleted document', () => {
  it('takes along what belongs to it, through all generations, and brings it back', async () => {
    const { project, task, comment, answer } = await family();
    expect(await remove('TrialProject', project)).toBe(true);
    expect(await read('TrialProject', project)).toMatchObject({ revision: 2, settling: true });
    await settle('TrialProject', project);
    const top = await read('TrialProject', project);
    expect(top).not.toHaveProperty('settling');
    expect(await read('TrialTask', task)).toMatchObject({
      deletedAt: top?.deletedAt,
      purgeAt: top?.purgeAt,
      deletedWith: project,
      revision: 2,
    });
    for (const id of [comment, answer]) expect(await gone('TrialComment', id)).toBe(true);
    expect(await restore('TrialProject', project)).toBe(true);
    await settle('TrialProject', project);
    const back = await read('TrialTask', task);
    for (const path of ['deletedAt', 'purgeAt', 'deletedWith', 'settling']) expect(back).not.toHaveProperty(path);
    for (const id of [comment, answer]) expect(await gone('TrialComment', id)).toBe(false);
    expect(await leftBehind()).toEqual([]);
  });

  it('is deleted once, and restored once', async () => {
    const project = await stored('TrialProject');
    expect(await remove('TrialProject', project)).toBe(true);
    expect(await remove('TrialProject', project)).toBe(false);
    expect(await restore('TrialProject', project)).toBe(true);
    expect(await restore('TrialProject', project)).toBe(false);
  });

  it('is not restored once its time is over', async () => {
    const project = await stored('TrialProject');
    await remove('TrialProject', project, -1);
    expect(await restore('TrialProject', project)).toBe(false);
  });

  it('that went with another is not restored without that', async () => {
    const { project, task } = await family();
    await remove('TrialProject', project);
    await settle('TrialProject', project);
    expect(await restore('TrialTask', task)).toBe(false);
  });

  it('that was deleted by itself does not come back with what it belongs to, nor without that', async () => {
    const { project, task, comment } = await family();
    await remove('TrialTask', task);
    await settle('TrialTask', task);
    await remove('TrialProject', project);
    await settle('TrialProject', project);
    await expect(restore('TrialTask', task)).rejects.toMatchObject({ code: 'parent-deleted' });
    expect(await gone('TrialTask', task)).toBe(true);
    await restore('TrialProject', project);
    await settle('TrialProject', project);
    expect([await gone('TrialTask', task), await gone('TrialComment', comment)]).toEqual([true, true]);
    expect(await restore('TrialTask', task)).toBe(true);
    await settle('TrialTask', task);
    expect(await gone('TrialComment', comment)).toBe(false);
  });

  it('that belongs to two comes back when both are there', async () => {
    const project = await stored('TrialProject');
    const milestone = await stored('TrialMilestone');
    const task = await stored('TrialTask', { projectId: project, milestoneId: milestone });
    const comment = await stored('TrialComment', { taskId: task });
    await remove('TrialProject', project);
    await settle('TrialProject', project);
    await remove('TrialMilestone', milestone);
    await settle('TrialMilestone', milestone);
    await restore('TrialProject', project);
    await settle('TrialProject', project);
    expect(await read('TrialTask', task)).toMatchObject({ deletedWith: milestone });
    expect(await leftBehind()).toEqual([]);
    await restore('TrialMilestone', milestone);
    await settle('TrialMilestone', milestone);
    expect([await gone('TrialTask', task), await gone('TrialComment', comment)]).toEqual([false, false]);
    expect(await settleAll(signal)).toBe(0);
  });

  it('of which documents lead to each other in a circle is settled all the same', async () => {
    const first = new Types.ObjectId();
    const second = await stored('TrialComment', { inReplyTo: first });
    await stored('TrialComment', { _id: first, inReplyTo: second });
    await remove('TrialComment', first);
    await settle('TrialComment', first);
    expect(await gone('TrialComment', second)).toBe(true);
    await restore('TrialComment', first).catch(() => {});
    await settleAll(signal);
    expect(await leftBehind()).toEqual([]);
  });
});

describe('what still refers to it', () => {
  it('keeps it from being deleted where the relation restricts, deleted or not', async () => {
    const { project, task } = await family();
    const tag = await stored('TrialTag', { projectId: project });
    const link = await stored('TrialTaskTag', { taskId: task, tagId: tag });
    await expect(remove('TrialTag', tag)).rejects.toMatchObject({ code: 'still-referenced', status: 409 });
    await remove('TrialTaskTag', link);
    await expect(remove('TrialTag', tag)).rejects.toThrow('task_tags');
    expect(await gone('TrialTag', tag)).toBe(false);
    await domainModel('TrialTaskTag').deleteOne({ _id: link });
    expect(await remove('TrialTag', tag)).toBe(true);
  });

  it('keeps what it would go with, too', async () => {
    const project = await stored('TrialProject');
    const tags = await storedMany('TrialTag', 1_100, { projectId: project });
    await stored('TrialTaskTag', { tagId: tags.at(-1) });
    await expect(remove('TrialProject', project)).rejects.toMatchObject({ code: 'still-referenced' });
    expect(await gone('TrialProject', project)).toBe(false);
  });
});

describe('an interrupted deletion', () => {
  it('is gone on with by the schedule, whichever batch it broke off in', async () => {
    const project = await stored('TrialProject');
    const tasks = await storedMany('TrialTask', 1_200, { projectId: project });
    await storedMany('TrialComment', 30, { taskId: tasks[7] });
    await remove('TrialProject', project);
    killAfter(3, domainModel('TrialTask'), 'updateMany');
    await expect(settle('TrialProject', project)).rejects.toThrow('killed');
    vi.restoreAllMocks();
    const half = await count('TrialTask', { projectId: project, deletedAt: { $exists: true } });
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(1_200);
    expect(await countUnsettled()).toBeGreaterThan(1);
    const { settled } = await settleDocuments.run(signal);
    expect(settled).toBeGreaterThan(1);
    expect(await leftBehind()).toEqual([]);
    expect([await countUnsettled(), await settleAll(signal)]).toEqual([0, 0]);
    await restore('TrialProject', project);
    await settle('TrialProject', project);
    expect(await count('TrialTask', { projectId: project, deletedAt: { $exists: true } })).toBe(0);
    expect(await count('TrialComment', { taskId: tasks[7], deletedAt: { $exists: true } })).toBe(0);
  });

  it('is overtaken by a restoration', async () => {
    const { project, task } = await family();
    await remove('TrialProject', project);
    await restore('TrialProject', project);
    await Promise.all([settle('TrialProject', project), settle('TrialProject', project), settleAll(signal)]);
    expect(await gone('TrialTask', task)).toBe(false);
    expect(await leftBehind()).toEqual([]);
  });
});

it('nothing comes to refer to what is deleted', async () => {
  const { project, task } = await family();
  await remove('TrialProject', project);
  expect(await insertUnder('TrialProject', project, 'TrialTask', { projectId: project })).toBeUndefined();
  await settle('TrialProject', project);
  expect(await insertUnder('TrialTask', task, 'TrialComment', { taskId: task })).toBeUndefined();
  expect(await insertUnder('TrialProject', new Types.ObjectId(), 'TrialTask', {})).toBeUndefined();
  expect(await orphans()).toEqual([]);
});
