import type { Types } from 'mongoose';
import { beforeAll, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { applyPeriods } from '../../src/models/changed-periods.ts';
import { countDueDocuments, purgeDueDocuments } from '../../src/models/document-purge.ts';
import { toId } from '../../src/models/ids.ts';
import { countUnsettled, settle, settleAll } from '../../src/models/settling.ts';
import { eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import { domainTrial, insertUnder, remove, restore, stored, storedMany } from '../helpers/domain-models.ts';
import { person } from '../helpers/people.ts';
import { STATISTICS_WITHIN_MS, sentBy, wrongIn } from '../helpers/query-plans.ts';

const { signal } = new AbortController();
const MANY = 2_000;

const trial = domainTrial();
beforeAll(async () => {
  // Of a handful of documents, a scan is what is quickest.
  const project = await stored('TrialProject');
  await storedMany('TrialProject', MANY, {});
  const [task] = await storedMany('TrialTask', MANY, { projectId: project });
  const [tag] = await storedMany('TrialTag', MANY, { projectId: project });
  await storedMany('TrialMilestone', MANY, { projectId: project });
  await storedMany('TrialComment', MANY, { taskId: task });
  await storedMany('TrialTaskTag', MANY, { taskId: task, tagId: tag });
  await storedMany('TrialInvoice', MANY, {});
  const told = {
    outcome: 'success',
    actor: { type: 'system' },
    target: { collection: 'trials' },
    at: new Date(),
  } as const;
  await AuditEvent.collection.insertMany(
    Array.from({ length: MANY }, () => ({ action: 'document.created' as const, ...told })) as never,
  );
});

/** A project with something of everything, of an account to which all refers. */
async function family(): Promise<{ id: Types.ObjectId; project: Types.ObjectId; task: Types.ObjectId }> {
  const id = toId((await person(trial.service)).id);
  const project = await stored('TrialProject', { ownerId: id });
  const milestone = await stored('TrialMilestone', { projectId: project });
  const task = await stored('TrialTask', { projectId: project, milestoneId: milestone });
  const comment = await stored('TrialComment', { taskId: task });
  await stored('TrialComment', { taskId: task, inReplyTo: comment, authorId: id, authorName: 'Ada' });
  await stored('TrialTask', { assigneeId: id });
  await stored('TrialTaskTag', { taskId: task });
  return { id, project, task };
}

it('the queries of deletion, restoration and purge', async () => {
  const { project, task } = await family();
  const sent = await sentBy(async () => {
    await insertUnder('TrialTask', task, 'TrialComment', { taskId: task });
    await remove('TrialProject', project);
    await settle('TrialProject', project);
    await restore('TrialProject', project);
    await settleAll(signal);
    await countUnsettled();
    await remove('TrialTask', task);
    await applyPeriods(trial.service.config);
    await remove('TrialProject', project, -1);
    await settleAll(signal);
    await countDueDocuments();
    expect(await purgeDueDocuments(signal)).toBe(1);
  });
  expect(sent.length).toBeGreaterThan(60);
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
}, 60_000);

it('the queries of the erasure of an account to which documents refer', async () => {
  const { id } = await family();
  const sent = await sentBy(async () => {
    await transaction((tx) => eraseUser(tx, SYSTEM, { id }));
    expect(await purgeUser(trial.service.deps.keyring, SYSTEM, id)).not.toBeNull();
  });
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
}, 60_000);
