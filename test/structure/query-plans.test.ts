import { randomUUID } from 'node:crypto';
import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify.ts';
import { transaction } from '../../src/database.ts';
import { madeUpAccount } from '../../src/explain/accounts.ts';
import { SCENE_PROVIDERS } from '../../src/explain/exercise-identities.ts';
import { EXERCISES } from '../../src/explain/exercises.ts';
import type { SentCommand } from '../../src/explain/record.ts';
import { Scene } from '../../src/explain/scene.ts';
import { commandShape } from '../../src/lib/command-shape.ts';
import { countActivity } from '../../src/models/activity-count.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { expireAuditBatches } from '../../src/models/audit-expiry.ts';
import { sealBatch } from '../../src/models/audit-sealing.ts';
import { applyPeriods } from '../../src/models/changed-periods.ts';
import { claimMail, enqueueMail, markFailed, markSent, Outbox, overdueMs } from '../../src/models/outbox.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { createUser } from '../../src/models/user-account.ts';
import { USER_LISTS } from '../../src/models/user-list.ts';
import { createWebhook, testWebhook } from '../../src/models/webhook-change.ts';
import { claimDelivery, markDelivered, markUndelivered, WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { handOutEvent } from '../../src/models/webhook-fan-out.ts';
import { disableWebhook, noteFailure, noteSuccess } from '../../src/models/webhook-health.ts';
import { retentionRules } from '../../src/retention/rules.ts';
import { countDue, runRetention } from '../../src/retention/run.ts';
import { overdueMs as webhooksOverdueMs } from '../../src/webhooks.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { writeEvents } from '../helpers/audit.ts';
import { isStandIn } from '../helpers/engine.ts';
import { STATISTICS_WITHIN_MS, sentBy, wrongIn } from '../helpers/query-plans.ts';

const ACCOUNTS = 3_000;

let service: TestApp;
let scene: Scene;

beforeAll(async () => {
  service = await buildTestApp({ IDENTITY_PROVIDERS: SCENE_PROVIDERS });
  await User.collection.insertMany(Array.from({ length: ACCOUNTS }, (_, n) => madeUpAccount(n, ACCOUNTS)));
  // Of a handful of documents, a scan is what is quickest.
  await Session.collection.insertMany(Array.from({ length: ACCOUNTS }, () => strangersSession()));
  scene = new Scene(service.app);
});
afterAll(() => service.close());

/** Of nobody who takes part. */
function strangersSession() {
  const at = new Date();
  const later = new Date(at.getTime() + 86_400_000);
  return {
    userId: new mongoose.Types.ObjectId(),
    status: 'active' as const,
    roles: ['user' as const],
    refreshTokenHash: randomUUID(),
    seed: 'seed',
    rotation: 0,
    rotatedAt: at,
    authenticationMethods: ['pwd' as const],
    authenticatedAt: at,
    createdAt: at,
    lastUsedAt: at,
    idleExpiresAt: later,
    expiresAt: later,
  };
}

/** What one route asks in the same words as another has the same plan: it is looked at once. */
const asked = new Set<string>();
function isNew({ name, collection, command }: SentCommand): boolean {
  const question = JSON.stringify([name, collection, commandShape(command)]);
  if (asked.has(question)) return false;
  asked.add(question);
  return true;
}

describe('the queries of every route', () => {
  const exercised = Object.keys(EXERCISES);

  it('are known: each route has an exercise, and each exercise its route', () => {
    // Fastify adds a HEAD to each GET, with the same handler.
    const routes = service.app.routeTable.filter(({ method }) => method !== 'HEAD');
    expect(exercised.toSorted()).toEqual(routes.map(({ method, url }) => `${method} ${url}`).sort());
  });

  it.each(exercised)(
    '%s',
    async (route) => {
      scene.recorded.length = 0;
      await EXERCISES[route]?.(scene);
      expect(scene.recorded.length).toBeGreaterThan(0);
      const wrong = [];
      for (const { request, sent } of scene.recorded) {
        for (const problem of await wrongIn(sent.filter(isNew), STATISTICS_WITHIN_MS))
          wrong.push(`${request}: ${problem}`);
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );
});

it('the queries of the delivery of mail', async () => {
  const { keyring } = service.deps;
  const data = { link: 'https://accounts.example.com/#token' };
  const mail = { template: 'reset-password', to: 'ada@example.com', data } as const;
  await transaction(async (tx) => {
    for (let n = 0; n < 200; n += 1) await enqueueMail(tx, keyring, mail);
  });
  // Most records of an outbox are done.
  const due = await Outbox.distinct('_id').then((ids) => ids.slice(0, 20));
  await Outbox.updateMany({ _id: { $nin: due } }, { $set: { sentAt: new Date() }, $unset: { dueAt: 1 } });
  const sent = await sentBy(async () => {
    await overdueMs();
    const claimed = await claimMail();
    if (claimed) await markSent(claimed);
    const another = await claimMail();
    if (another) await markFailed(another, { code: 'EENVELOPE 450', permanent: false });
  });
  expect(sent.map(({ name }) => name)).toEqual(['find', 'findAndModify', 'update', 'findAndModify', 'update']);
  expect(await wrongIn(sent)).toEqual([]);
});

it('the queries of retention', async () => {
  const { config, deps } = service;
  const settings = { ...config, DORMANCY_MONTHS: 6, UNVERIFIED_RETENTION_DAYS: 30 };
  const old = { createdAt: new Date(0), lastSignInAt: new Date(0) };
  const [dormant, due, unproven] = await User.find({ status: 'active', roles: { $ne: 'admin' } })
    .limit(3)
    .lean();
  await User.updateOne(
    { _id: dormant?._id },
    { $set: { ...old, dormancyWarnedAt: new Date(0) } },
    { timestamps: false },
  );
  await User.updateOne(
    { _id: due?._id },
    { $set: { status: 'deleted', deletedAt: new Date(0), purgeAt: new Date(0) } },
  );
  await User.updateOne(
    { _id: unproven?._id },
    { $set: { emailVerified: false, createdAt: new Date(0) }, $unset: { lastSignInAt: 1 } },
    { timestamps: false },
  );
  const rules = retentionRules(settings, deps.keyring);
  const sent = await sentBy(async () => {
    await countDue(rules);
    await runRetention(rules, new AbortController().signal);
    await applyPeriods({ ...settings, DELETED_USER_RETENTION_DAYS: 31 });
  });
  expect(sent.length).toBeGreaterThan(20);
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
}, 60_000);

it('the queries of sealing, verifying and expiring audit events', async () => {
  const options = { keyring: service.deps.keyring, retentionDays: 0 };
  // Most events are sealed.
  while (await sealBatch(options));
  await writeEvents(service, 20);
  const sent = await sentBy(async () => {
    await sealBatch(options);
    await verifyAuditTrail(options);
    await expireAuditBatches(new Date());
  });
  expect(sent.some(({ name }) => name === 'delete')).toBe(true);
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
}, 60_000);

it('the queries of the daily counts', async () => {
  const { signal } = new AbortController();
  // Far from midnight, where two days would be counted.
  const noon = new Date(new Date().setUTCHours(12, 0, 0, 0));
  await countActivity(signal, noon);
  const later = new Date(noon.getTime() + 600_000);
  const sent = await sentBy(() => countActivity(signal, later));
  const names = ['find', 'aggregate', 'aggregate', 'find', 'find', 'update', 'update'];
  expect(sent.map(({ name }) => name).filter((name) => name !== 'getMore')).toEqual(names);
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
});

it('the queries of the delivery of webhooks', async () => {
  const { keyring } = service.deps;
  const choice = { url: 'https://8.8.8.8/hook', events: [], enabled: true };
  const { webhook } = await transaction((tx) => createWebhook(tx, SYSTEM, keyring, choice));
  for (let n = 0; n < 100; n += 1) await transaction((tx) => testWebhook(tx, SYSTEM, keyring, webhook._id));
  await transaction((tx) => createUser(tx, SYSTEM, service.deps.names, { email: 'hooked@example.com', profile: {} }));
  // Most deliveries are done.
  const due = await WebhookDelivery.distinct('_id').then((ids) => ids.slice(0, 20));
  await WebhookDelivery.updateMany({ _id: { $nin: due } }, { $set: { outcome: 'delivered' }, $unset: { dueAt: 1 } });
  const tried = { at: new Date(), durationMs: 1 };
  const sent = await sentBy(async () => {
    await webhooksOverdueMs();
    await handOutEvent(keyring, (user) => user);
    const claimed = await claimDelivery(webhook._id);
    if (claimed) await markDelivered(claimed, tried);
    const another = await claimDelivery(webhook._id);
    if (another) await markUndelivered(keyring, another, { ...tried, failure: 'refused' });
    await noteFailure(webhook, 1);
    await noteSuccess({ ...webhook, failingSince: new Date() });
    await disableWebhook(keyring, webhook._id, 'failing');
  });
  const changes = sent.filter(({ collection, name }) => collection === 'webhook_deliveries' && name !== 'find');
  expect(changes.map(({ name }) => name)).toEqual(['insert', 'findAndModify', 'update', 'findAndModify', 'update']);
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
}, 60_000);

describe('the check itself', () => {
  it('sees a query that no index serves, in a read and in a write', async () => {
    const unindexed = { statusReason: 'nothing has this' };
    const reads = await sentBy(() => User.find(unindexed).lean());
    expect(await wrongIn(reads)).toEqual([expect.stringContaining('find users scans the collection')]);
    const writes = await sentBy(() => User.updateMany(unindexed, { $set: { statusReason: 'nor this' } }));
    // What is journaled is looked for before it is changed.
    expect(await wrongIn(writes)).toEqual(
      ['find', 'update'].map((command) => expect.stringContaining(`${command} users scans the collection`)),
    );
    const counts = await sentBy(() => User.countDocuments(unindexed));
    expect(await wrongIn(counts)).toEqual([expect.stringContaining('aggregate users scans the collection')]);
  });

  it('sees a sort in memory and a page that is walked to, where the server is MongoDB', async () => {
    const sorted = await sentBy(() =>
      User.find({ status: 'active' }).sort({ lastNameKey: -1, email: 1 }).limit(5).lean(),
    );
    const walked = await sentBy(() => User.find().sort({ _id: -1 }).skip(1_000).limit(10).lean());
    const seen = [...(await wrongIn(sorted)), ...(await wrongIn(walked))];
    const expected = ['sorts in memory', 'examines too many documents'].map((text) => expect.stringContaining(text));
    const standIn = await isStandIn(mongoose.connection.getClient());
    expect(seen).toEqual(standIn ? [] : expected);
  });
});

describe('pairs of filter and sort', () => {
  const FILTERS: Readonly<Record<string, Record<string, string>>> = {
    created: { createdAfter: '2020-01-01T00:00:00Z' },
    emailVerified: { emailVerified: 'true' },
    role: { role: 'user' },
    status: { status: 'active' },
  };
  const names = Object.keys(FILTERS);
  const subsets = Array.from({ length: 2 ** names.length }, (_, bits) => names.filter((_name, n) => bits & (1 << n)));
  const pairs = subsets.flatMap((filters) => ['_id', 'createdAt', 'email'].map((sort) => [filters.join(','), sort]));

  it.each(pairs)('filter [%s], sort %s: as the table says', async (filters = '', sort = '') => {
    const offered = USER_LISTS.some((list) => list.filters === filters && list.sort === sort);
    const query = Object.assign({}, ...filters.split(',').map((name) => FILTERS[name]));
    for (const direction of ['', '-']) {
      const response = await scene.prepare({
        method: 'GET',
        url: '/v1/admin/users',
        as: await scene.admin(),
        query: { ...query, sort: `${direction}${sort.replace('_id', 'id')}` },
        expect: offered ? 200 : 400,
      });
      if (!offered) expect(response.json().code).toBe('unsupported-sort');
    }
  });
});
