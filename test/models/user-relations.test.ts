import { Types } from 'mongoose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { transaction } from '../../src/database.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { endUnverified } from '../../src/models/user-dormancy.ts';
import { deleteUser, eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import { removeUser } from '../../src/models/user-removal.ts';
import {
  count,
  domainModel,
  domainTrial,
  killAfter,
  orphans,
  read,
  stored,
  storedMany,
} from '../helpers/domain-models.ts';
import { person } from '../helpers/people.ts';

const trial = domainTrial();
afterEach(() => vi.restoreAllMocks());

const erase = (id: Types.ObjectId) => transaction((tx) => eraseUser(tx, SYSTEM, { id }));
const purge = (id: Types.ObjectId) => purgeUser(trial.service.deps.keyring, SYSTEM, id);

/** Somebody to whom everything refers that may: projects with tasks and comments, tasks and comments of others. */
async function someone() {
  const id = new Types.ObjectId((await person(trial.service)).id);
  const project = await stored('TrialProject', { ownerId: id });
  const [task] = await storedMany('TrialTask', 600, { projectId: project });
  await stored('TrialComment', { taskId: task, authorId: id, authorName: 'Ada' });
  const others = await stored('TrialProject');
  const assigned = await stored('TrialTask', { projectId: others, assigneeId: id });
  const comment = await stored('TrialComment', { taskId: assigned, authorId: id, authorName: 'Ada', text: 'Done.' });
  return { id, project, assigned, comment };
}

const detached = async ({ assigned, comment }: Awaited<ReturnType<typeof someone>>) => {
  expect(await read('TrialTask', assigned)).toMatchObject({ revision: 2 });
  expect(await read('TrialTask', assigned)).not.toHaveProperty('assigneeId');
  const anonymous = await read('TrialComment', comment);
  expect(anonymous).toMatchObject({ text: 'Done.', revision: 2 });
  for (const path of ['authorId', 'authorName']) expect(anonymous).not.toHaveProperty(path);
};

describe('an erased account', () => {
  it('takes along what belongs to it and is taken out of what stays; the receipt counts both', async () => {
    const ada = await someone();
    await erase(ada.id);
    expect(await purge(ada.id)).toMatchObject({
      removed: { trial_projects: 1, trial_tasks: 600, trial_comments: 1, sessions: 0 },
      detached: { trial_tasks: 1, trial_comments: 1 },
    });
    await detached(ada);
    expect(await read('TrialProject', ada.project)).toBeNull();
    expect(await orphans()).toEqual([]);
    const told = { action: 'document.updated', 'target.id': ada.comment } as const;
    expect(await AuditEvent.findOne(told).lean()).toMatchObject({ changes: ['authorId', 'authorName'] });
  });

  it('that is killed midway is gone on with', async () => {
    const ada = await someone();
    await erase(ada.id);
    killAfter(1, domainModel('TrialTask').collection, 'deleteMany');
    await expect(purge(ada.id)).rejects.toThrow('killed');
    vi.restoreAllMocks();
    expect(await count('TrialTask', { projectId: ada.project })).toBe(100);
    expect(await orphans()).toEqual([]);
    expect(await purge(ada.id)).toMatchObject({ removed: { trial_projects: 1, trial_tasks: 100 } });
    await detached(ada);
    expect(await orphans()).toEqual([]);
  });
});

describe('what restricts it', () => {
  const billed = async () => {
    const id = new Types.ObjectId((await person(trial.service)).id);
    return { id, invoice: await stored('TrialInvoice', { ownerId: id }) };
  };

  it('keeps an account from being deleted, erased and removed, and says so', async () => {
    const { id } = await billed();
    const refused = { code: 'still-referenced', status: 409 };
    await expect(erase(id)).rejects.toMatchObject(refused);
    await expect(transaction((tx) => deleteUser(tx, SYSTEM, { id }, 30))).rejects.toMatchObject(refused);
    await expect(transaction((tx) => removeUser(tx, SYSTEM, id, {}))).rejects.toMatchObject(refused);
    expect(await User.findById(id).lean()).toMatchObject({ status: 'active' });
    expect(await Session.countDocuments({ userId: id })).toBe(1);
  });

  it('keeps a due account from being purged, as a whole', async () => {
    const { id, invoice } = await billed();
    const project = await stored('TrialProject', { ownerId: id });
    const over = new Date(Date.now() - 1_000);
    await User.updateOne({ _id: id }, { $set: { status: 'deleted', deletedAt: over, purgeAt: over } });
    expect(await purge(id)).toBeNull();
    expect(await read('TrialProject', project)).not.toBeNull();
    await domainModel('TrialInvoice').deleteOne({ _id: invoice });
    expect(await purge(id)).toMatchObject({ removed: { trial_projects: 1 } });
  });

  it('keeps an unverified account, and the schedule goes on with others', async () => {
    const [kept, other] = [await billed(), new Types.ObjectId((await person(trial.service)).id)];
    await User.updateMany(
      { _id: { $in: [kept.id, other] } },
      { $set: { emailVerified: false, createdAt: new Date(0) }, $unset: { lastSignInAt: 1 } },
      { timestamps: false },
    );
    expect(await endUnverified(30)).toBe(1);
    expect(await User.findById(kept.id).lean()).toMatchObject({ status: 'active' });
    expect(await User.findById(other).lean()).toMatchObject({ status: 'deleted' });
  });
});

it('an account that is removed in one transaction takes along as much', async () => {
  const ada = await someone();
  expect(await transaction((tx) => removeUser(tx, SYSTEM, ada.id, {}))).toBe(true);
  await detached(ada);
  expect(await count('TrialTask', { projectId: ada.project })).toBe(0);
  expect(await orphans()).toEqual([]);
});
