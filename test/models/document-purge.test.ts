import type { Types } from 'mongoose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { applyPeriods } from '../../src/models/changed-periods.ts';
import { countDueDocuments, purgeDocument, purgeDueDocuments } from '../../src/models/document-purge.ts';
import { settle, settleAll } from '../../src/models/settling.ts';
import {
  count,
  DAY_MS,
  domainModel,
  domainTrial,
  killAfter,
  newDocument,
  orphans,
  read,
  remove,
  restore,
  stored,
  storedMany,
} from '../helpers/domain-models.ts';

const { signal } = new AbortController();

const trial = domainTrial();
beforeEach(() => trial.empty());
afterEach(() => vi.restoreAllMocks());

/** Soft-deletes a document whose time is over at once, and lets what belongs to it follow. */
async function due(name: string, id: Types.ObjectId): Promise<void> {
  await remove(name, id, -1);
  await settle(name, id);
}

const purgedEvents = (id: Types.ObjectId) => AuditEvent.countDocuments({ action: 'document.purged', 'target.id': id });

describe('a document whose time is over', () => {
  it('goes with what belongs to it, through all generations, each told of once', async () => {
    const project = await stored('TrialProject');
    const tasks = await storedMany('TrialTask', 1_200, { projectId: project });
    const comment = await stored('TrialComment', { taskId: tasks[3] });
    const answer = await stored('TrialComment', { taskId: tasks[3], inReplyTo: comment });
    const stranger = await stored('TrialTask', { projectId: await stored('TrialProject') });
    await due('TrialProject', project);
    expect(await countDueDocuments()).toBe(1);
    expect(await purgeDueDocuments(signal)).toBe(1);
    expect([await count('TrialProject'), await count('TrialTask'), await count('TrialComment')]).toEqual([1, 1, 0]);
    expect(await read('TrialTask', stranger)).not.toBeNull();
    for (const id of [project, tasks[0], tasks[1_199], comment, answer])
      expect(await purgedEvents(id as Types.ObjectId)).toBe(1);
    const event = await AuditEvent.findOne({ action: 'document.purged', 'target.id': project }).lean();
    expect(event).toMatchObject({ actor: { type: 'system' }, target: { collection: 'trial_projects' } });
  });

  it('stays until then, and is restored until then', async () => {
    const project = await stored('TrialProject');
    await remove('TrialProject', project);
    expect(await purgeDocument('TrialProject', project)).toBe('none');
    expect(await restore('TrialProject', project)).toBe(true);
    expect(await purgeDocument('TrialProject', project)).toBe('none');
    expect(await count('TrialProject')).toBe(1);
  });

  it('of several who purge it, one does', async () => {
    const project = await stored('TrialProject');
    const task = await stored('TrialTask', { projectId: project });
    await due('TrialProject', project);
    await Promise.all(Array.from({ length: 4 }, () => purgeDocument('TrialProject', project)));
    expect([await count('TrialProject'), await count('TrialTask')]).toEqual([0, 0]);
    expect([await purgedEvents(project), await purgedEvents(task)]).toEqual([1, 1]);
  });

  it('goes although documents lead to each other in a circle', async () => {
    const [first, second] = [newDocument(), newDocument()];
    const comments = domainModel('TrialComment').collection;
    await comments.insertMany([
      { ...first, inReplyTo: second._id },
      { ...second, inReplyTo: first._id },
    ]);
    await due('TrialComment', first._id);
    expect(await purgeDocument('TrialComment', first._id)).toBe('purged');
    expect(await count('TrialComment')).toBe(0);
  });

  it('that went with another stays as long as that can come back', async () => {
    const project = await stored('TrialProject');
    const task = await stored('TrialTask', { projectId: project });
    await due('TrialProject', project);
    await domainModel('TrialProject').updateOne({ _id: project }, { $set: { purgeAt: new Date(Date.now() + DAY_MS) } });
    await restore('TrialProject', project);
    // What belongs to it has not followed yet.
    expect(await purgeDueDocuments(signal)).toBe(0);
    await settleAll(signal);
    expect(await read('TrialTask', task)).not.toHaveProperty('deletedAt');
  });
});

describe('what refers to it with a relation that restricts', () => {
  /** A project that is due, with tasks, one of which has a tag of another project. */
  async function tagged() {
    const project = await stored('TrialProject');
    const tasks = await storedMany('TrialTask', 700, { projectId: project });
    const tag = await stored('TrialTag', { projectId: project });
    const elsewhere = await stored('TrialTask', { projectId: await stored('TrialProject') });
    await due('TrialProject', project);
    // As if it had come to refer to the tag just before that followed.
    const link = await stored('TrialTaskTag', { taskId: elsewhere, tagId: tag });
    return { project, tasks, link };
  }

  it('leaves all of it for another time, and others go', async () => {
    const { project, link } = await tagged();
    const other = await stored('TrialMilestone');
    await due('TrialMilestone', other);
    expect(await purgeDueDocuments(signal)).toBe(1);
    expect(await purgeDocument('TrialProject', project)).toBe('restricted');
    expect([await count('TrialProject'), await count('TrialTask'), await count('TrialTag')]).toEqual([2, 701, 1]);
    await domainModel('TrialTaskTag').deleteOne({ _id: link });
    expect(await purgeDueDocuments(signal)).toBe(1);
    expect([await count('TrialProject'), await count('TrialTask'), await count('TrialTag')]).toEqual([1, 1, 0]);
    expect(await orphans()).toEqual([]);
  });
});

describe('a purge that is killed', () => {
  it.each([1, 2, 3])('after %i batches is gone on with, and each document is told of once', async (batches) => {
    const project = await stored('TrialProject');
    const tasks = await storedMany('TrialTask', 1_700, { projectId: project });
    await storedMany('TrialComment', 20, { taskId: tasks[0] });
    await due('TrialProject', project);
    killAfter(batches, domainModel('TrialTask').collection, 'deleteMany');
    await expect(purgeDueDocuments(signal)).rejects.toThrow('killed');
    vi.restoreAllMocks();
    expect(await count('TrialTask')).toBe(1_700 - batches * 500);
    expect(await orphans()).toEqual([]);
    await expect(restore('TrialProject', project)).resolves.toBe(false);
    expect(await purgeDueDocuments(signal)).toBeGreaterThan(0);
    expect([await count('TrialProject'), await count('TrialTask'), await count('TrialComment')]).toEqual([0, 0, 0]);
    const told = await AuditEvent.countDocuments({ action: 'document.purged', 'target.id': { $in: tasks } });
    expect(told).toBe(1_700);
  });
});

it('a changed period is applied to what is deleted, and to what went with it', async () => {
  const project = await stored('TrialProject');
  const task = await stored('TrialTask', { projectId: project });
  await remove('TrialProject', project);
  await settle('TrialProject', project);
  const longer = { ...trial.service.config, DELETED_DOCUMENT_RETENTION_DAYS: 90 };
  expect(await applyPeriods(longer)).toMatchObject({ 'deleted-documents': 2 });
  for (const stored of [await read('TrialProject', project), await read('TrialTask', task)])
    expect(stored?.purgeAt).toEqual(new Date(Number(stored?.deletedAt) + 90 * DAY_MS));
  expect(await applyPeriods(longer)).toMatchObject({ 'deleted-documents': 0 });
});
