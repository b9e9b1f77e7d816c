import { readFile } from 'node:fs/promises';
import { Types } from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import type { Config } from '../../src/config.ts';
import { loadConfig } from '../../src/config.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { sealBatch } from '../../src/models/audit-sealing.ts';
import { applyPeriods } from '../../src/models/changed-periods.ts';
import { JobState } from '../../src/models/job.ts';
import { Journal } from '../../src/models/journal.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { retentionRules } from '../../src/retention/rules.ts';
import { countDue, runRetention } from '../../src/retention/run.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { expectJournalToAgree } from '../helpers/journal.ts';
import { mailsTo } from '../helpers/mailed.ts';
import { freshEmail, type Person, person, signIn } from '../helpers/people.ts';

const DAY_MS = 86_400_000;

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());
beforeEach(() =>
  User.updateMany({}, { $set: { lastSignInAt: new Date(), createdAt: new Date() } }, { timestamps: false }),
);

const settings = (more: Partial<Config>): Config => ({ ...service.config, ...more });
const rulesOf = (more: Partial<Config>) => retentionRules(settings(more), service.deps.keyring);
const run = (more: Partial<Config>) => runRetention(rulesOf(more), new AbortController().signal);

/** As if nobody had signed in for so many days. */
const unused = ({ id }: Pick<Person, 'id'>, days: number) =>
  User.updateOne({ _id: id }, { $set: { lastSignInAt: new Date(Date.now() - days * DAY_MS) } }, { timestamps: false });

const warnedBefore = ({ id }: Pick<Person, 'id'>, days: number) =>
  User.updateOne({ _id: id }, { $set: { dormancyWarnedAt: new Date(Date.now() - days * DAY_MS) } });

const statusOf = async ({ id }: Pick<Person, 'id'>) => (await User.findById(id).lean())?.status;

describe('dormancy', () => {
  const months = { DORMANCY_MONTHS: 6 };

  it('is off unless it is set, and refuses less than four months', async () => {
    const ada = await person(service);
    await unused(ada, 3_000);
    expect(await run({})).toMatchObject({ 'dormancy-warnings': 0, 'dormant-accounts': 0 });
    expect(() => loadConfig({ NODE_ENV: 'test', DORMANCY_MONTHS: '3' })).toThrow('at least 4');
  });

  it('warns once, and ends it a month later if nobody has come', async () => {
    const ada = await person(service);
    await unused(ada, 155);
    expect(await countDue(rulesOf(months))).toMatchObject({ 'dormancy-warnings': 1, 'dormant-accounts': 0 });
    expect(await run(months)).toMatchObject({ 'dormancy-warnings': 1, 'dormant-accounts': 0 });
    expect(await run(months)).toMatchObject({ 'dormancy-warnings': 0, 'dormant-accounts': 0 });
    expect(await mailsTo(service, ada.email)).toContain('account-dormant-soon');
    await unused(ada, 190);
    await warnedBefore(ada, 31);
    expect(await run(months)).toMatchObject({ 'dormant-accounts': 1 });
    expect(await statusOf(ada)).toBe('inactive');
    expect(await Session.exists({ userId: ada.id })).toBeNull();
    expect((await mailsTo(service, ada.email)).at(-1)).toBe('account-dormant');
    expect(
      await AuditEvent.exists({ action: 'user.deactivated', 'target.id': ada.id, 'actor.type': 'system' }),
    ).not.toBeNull();
  });

  it('ends nothing without a warning, however old it is', async () => {
    const ada = await person(service);
    await unused(ada, 3_000);
    expect(await run(months)).toMatchObject({ 'dormancy-warnings': 1, 'dormant-accounts': 0 });
    expect(await statusOf(ada)).toBe('active');
  });

  it('is over as soon as somebody signs in', async () => {
    const ada = await person(service);
    await unused(ada, 190);
    await warnedBefore(ada, 31);
    await signIn(service, ada.email);
    expect((await User.findById(ada.id).lean())?.dormancyWarnedAt).toBeUndefined();
    expect(await run(months)).toMatchObject({ 'dormancy-warnings': 0, 'dormant-accounts': 0 });
  });

  it('counts from the making of an account that nobody ever signed in to', async () => {
    const at = new Date(Date.now() - 400 * DAY_MS);
    const { _id } = await User.create({ email: freshEmail(), createdAt: at, updatedAt: at });
    expect(await run(months)).toMatchObject({ 'dormancy-warnings': 1 });
    await warnedBefore({ id: String(_id) }, 31);
    expect(await run(months)).toMatchObject({ 'dormant-accounts': 1 });
  });
});

describe('accounts that were never proven', () => {
  const days = { UNVERIFIED_RETENTION_DAYS: 14 };
  const made = async (ago: number, more: object = {}) => {
    const at = new Date(Date.now() - ago * DAY_MS);
    const { _id } = await User.create({ email: freshEmail(), createdAt: at, updatedAt: at, ...more });
    return { id: String(_id) };
  };

  it('are removed after their time, and no others', async () => {
    const gone = await made(15);
    const kept = [
      await made(13),
      await made(15, { emailVerified: true }),
      await made(15, { lastSignInAt: new Date() }),
      await made(15, { legalHold: true }),
    ];
    expect(await run({})).toMatchObject({ 'unverified-accounts': 0 });
    expect(await run(days)).toMatchObject({ 'unverified-accounts': 1, 'deleted-accounts': 1 });
    expect(await User.exists({ _id: gone.id })).toBeNull();
    expect(await User.countDocuments({ _id: { $in: kept.map(({ id }) => id) }, status: 'active' })).toBe(4);
  });
});

describe('deleted accounts', () => {
  it('are purged when their time is over, with all that belongs to them', async () => {
    const [ada, bob] = [await person(service), await person(service)];
    for (const each of [ada, bob]) await each.call('DELETE', '/v1/users/me');
    expect(await mailsTo(service, ada.email)).toContain('account-deleted');
    await User.updateOne({ _id: ada.id }, { $set: { purgeAt: new Date(Date.now() - 1) } });
    expect(await run({})).toMatchObject({ 'deleted-accounts': 1 });
    expect(await User.exists({ _id: ada.id })).toBeNull();
    expect(await statusOf(bob)).toBe('deleted');
    expect(
      await AuditEvent.exists({ action: 'user.purged', 'target.id': ada.id, 'actor.type': 'system' }),
    ).not.toBeNull();
  });
});

describe('a changed period', () => {
  it('counts for what is there already once it is applied; a dry run says for how many', async () => {
    const ada = await person(service);
    const bob = await person(service);
    await ada.call('DELETE', '/v1/users/me');
    const deletedAt = (await User.findById(ada.id).lean())?.deletedAt?.getTime() ?? 0;
    const longer = settings({ DELETED_USER_RETENTION_DAYS: 90, SESSION_LIFETIME_SECONDS: 7_200 });
    const planned = await applyPeriods(longer, { dryRun: true });
    expect(planned['deleted-accounts']).toBeGreaterThan(0);
    expect(await applyPeriods(longer)).toEqual(planned);
    expect((await User.findById(ada.id).lean())?.purgeAt?.getTime()).toBe(deletedAt + 90 * DAY_MS);
    const session = await Session.findById(bob.sessionId).lean();
    expect(session?.expiresAt.getTime()).toBe((session?.createdAt.getTime() ?? 0) + 7_200_000);
    expect(session?.idleExpiresAt).toEqual(session?.expiresAt);
    expect(await applyPeriods(longer)).toEqual({ 'deleted-accounts': 0, 'deleted-documents': 0, sessions: 0 });
  });

  it('does not bring back what is due', async () => {
    const ada = await person(service);
    await ada.call('DELETE', '/v1/users/me');
    const purgeAt = new Date(Date.now() - 1);
    await User.updateOne({ _id: ada.id }, { $set: { purgeAt } });
    await applyPeriods(settings({ DELETED_USER_RETENTION_DAYS: 900 }));
    expect((await User.findById(ada.id).lean())?.purgeAt).toEqual(purgeAt);
  });
});

it('the list shows each rule with its period, what is due and what was done', async () => {
  const admin = await person(service, { roles: ['user', 'admin'] });
  const at = new Date();
  await JobState.create({
    _id: 'retention',
    schedule: '23 * * * *',
    dueAt: at,
    nextAt: at,
    startedAt: at,
    finishedAt: at,
    outcome: 'success',
    result: { 'deleted-accounts': 7 },
  });
  const { items, lastRun } = (await admin.call('GET', '/v1/admin/retention')).json();
  expect(lastRun).toEqual({ finishedAt: at.toISOString(), outcome: 'success' });
  expect(items.find(({ name }: { name: string }) => name === 'deleted-accounts')).toMatchObject({
    collection: 'users',
    period: 'P30D',
    setting: 'DELETED_USER_RETENTION_DAYS',
    by: 'job',
    due: expect.any(Number),
    done: 7,
  });
  expect(items.find(({ name }: { name: string }) => name === 'mail')).toMatchObject({ period: 'P7D', by: 'ttl' });
});

it('audit events go by whole sealed batches when their time is over', async () => {
  const options = { keyring: service.deps.keyring, retentionDays: 0 };
  await person(service);
  while (await sealBatch(options));
  const sealed = await AuditEvent.countDocuments();
  expect(sealed).toBeGreaterThan(0);
  expect(await countDue(rulesOf({}))).toMatchObject({ 'audit-events': sealed });
  expect(await run({})).toMatchObject({ 'audit-events': sealed });
  expect(await AuditEvent.countDocuments({ sealId: { $exists: true } })).toBe(0);
});

it('images that nobody ships go after a week; where they are shipped, none goes before it was', async () => {
  const old = { at: new Date(Date.now() - 8 * DAY_MS), collection: 'users', documentId: 'old', revision: 1 };
  await Journal.collection.insertOne({ ...old, transactionId: new Types.ObjectId(), unshipped: true } as never);
  const BACKUP_URL = 'file:///nowhere';
  expect(await run({ BACKUP_URL })).toMatchObject({ 'unshipped-journal': 0 });
  expect(await countDue(rulesOf({}))).toMatchObject({ 'unshipped-journal': 1 });
  expect(await run({})).toMatchObject({ 'unshipped-journal': 1 });
  expect(await Journal.countDocuments({ documentId: 'old' })).toBe(0);
});

it('the journal tells of whatever is there by now, whatever removed the rest', expectJournalToAgree);

it('every collection that the database itself removes documents of has a rule', () => {
  const expiring = collections.filter(({ indexDefinitions }) =>
    indexDefinitions.some(({ expireAfterSeconds }) => expireAfterSeconds !== undefined),
  );
  const ruled = rulesOf({}).filter(({ by }) => by === 'ttl');
  expect(ruled.map(({ collection }) => collection).sort()).toEqual(expiring.map(({ name }) => name).sort());
});

it('the documentation has every rule', async () => {
  const text = await readFile(new URL('../../docs/retention.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(documented).toEqual(rulesOf({}).map(({ name }) => name));
});
