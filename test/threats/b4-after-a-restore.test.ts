// B4: the restore that was only half of the work. Elsewhere the data was back, and with it what had been ended since: a
// session of a stolen laptop, the link of a reset in somebody's mailbox, an account that its owner had had erased; mail
// of weeks ago went out again to everybody; or nobody could sign in, as the second factors did not decrypt. Here all that
// keeps an account works as before, all that was under way has ended, and whoever was erased stays so.

import { type Db, ObjectId } from 'mongodb';
import { Types } from 'mongoose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify.ts';
import { survey } from '../../src/key-rotation/survey.ts';
import { openMail } from '../../src/mail.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { ledgerEntryOf } from '../../src/models/erasure.ts';
import { Outbox } from '../../src/models/outbox.ts';
import { WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { WebhookEvent } from '../../src/models/webhook-event.ts';
import type { RestoreReport } from '../../src/restore/restore.ts';
import { openWebhooks } from '../../src/webhooks.ts';
import type { TestApp } from '../helpers/app.ts';
import { sealAll, sealingOptions } from '../helpers/audit.ts';
import {
  challengeFor,
  codeOf,
  Device,
  enrolPasskey,
  enrolTotp,
  passkeySignIn,
  secondStep,
} from '../helpers/factors.ts';
import { CLIENT, CLIENT_SECRET, linkTo, signInAs, startLocalProvider } from '../helpers/identities.ts';
import { MailServer } from '../helpers/mail-server.ts';
import { mailTo, post, resetToken, tokenFor } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, dump, type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';
import { restores } from '../helpers/restores.ts';
import { invitationToken, join, newTeam } from '../helpers/teams.ts';
import { until } from '../helpers/until.ts';
import { WebhookReceiver } from '../helpers/webhook-receiver.ts';

let idp: Awaited<ReturnType<typeof startLocalProvider>>;
let mailServer: MailServer;
let receiver: WebhookReceiver;
const trial = restores(async () => {
  idp = await startLocalProvider();
  mailServer = await MailServer.open();
  receiver = await WebhookReceiver.open();
  const local = { id: 'local', name: 'Local ID', issuer: idp.issuer, clientId: 'roster', clientSecret: CLIENT_SECRET };
  return {
    CORS_ORIGINS: CLIENT,
    IDENTITY_PROVIDERS: JSON.stringify([local]),
    SMTP_URL: mailServer.url,
    WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
  };
});
afterAll(async () => {
  await Promise.all([idp.close(), mailServer.close(), receiver.close()]);
});

const LAST_NAME = 'Erased-Lovelace';
const ledger = () => trial.source().collection<{ _id: string }>('erasures');

type MadeTeam = Awaited<ReturnType<typeof newTeam>>;

/** Of before the moment. */
let admin: Person;
let ada: Person;
let totp: { secret: string };
const device = new Device();
let tokens: { reset: string; verification: string; invitation: string };
/** Erased after it. */
let eve: Person;
/** At the moment nobody else owns it. */
let hers: MadeTeam;
let entry: string;
let report: RestoreReport;
/** Ids of the events that other services were to hear of. */
let known: string[];
let db: Db;
/** Over the restored database. */
let service: TestApp;

async function invite({ url }: MadeTeam, { email }: Person): Promise<void> {
  const { statusCode, body } = await admin.call('POST', `${url}/invitations`, { email, role: 'member' });
  expect(statusCode, body).toBe(201);
}

/** Has a value in every place that has one, and is named by others. */
async function erasedAfterwards(team: MadeTeam): Promise<Person> {
  const made = await person(trial.service);
  await made.call('PATCH', '/v1/users/me', { firstName: 'Eve', lastName: LAST_NAME, metadata: { x: LAST_NAME } });
  await enrolTotp(made);
  await enrolPasskey(made, new Device());
  await join(team, made);
  hers = await newTeam(made);
  await invite(await newTeam(admin), made);
  await admin.call('POST', `/v1/admin/users/${made.id}/suspend`, { reason: `${LAST_NAME} wrote this` });
  return made;
}

beforeAll(async () => {
  const there = trial.service;
  admin = await person(there, { roles: ['user', 'admin'] });
  await admin.call('POST', '/v1/admin/webhooks', { url: receiver.url, events: [] });
  ada = await person(there);
  idp.people.set('ada', { email: ada.email, email_verified: true });
  await linkTo(there, ada, 'ada');
  await enrolPasskey(ada, device);
  await trial.ship();
  await trial.backUp();
  // From here on it is the journal that knows.
  totp = await enrolTotp(ada);
  const team = await newTeam(admin);
  eve = await erasedAfterwards(team);
  await invite(team, ada);
  await there.app.settled();
  tokens = {
    reset: await resetToken(there, ada.email),
    verification: await tokenFor(there, ada.email, 'verify-email'),
    invitation: await invitationToken(there, ada.email),
  };
  await mailTo(there, ada.email, 'reset-password');
  await sealAll(sealingOptions(there));
  await trial.backUp();
  const to = new Date();
  await join(hers, admin, 'owner');
  const erased = await admin.call('POST', `/v1/admin/users/${eve.id}/erase`, { reason: 'asked for it' });
  expect(erased.statusCode, erased.body).toBe(200);
  entry = await ledgerEntryOf(there.deps.keyring, new Types.ObjectId(eve.id));
  await trial.ship();
  ({ report, db } = await trial.moved({ to }));
  known = (await db.collection('webhook_events').distinct('_id')).map((id) => `evt_${id}`);
  service = await there.another();
}, 120_000);
afterAll(() => trial.back());

it('signs in with the second factor, by a passkey and through a provider', async () => {
  const challenge = await challengeFor(service, ada.email);
  expect(outcome(await secondStep(service, challenge, 'totp', codeOf(totp.secret)))).toBe('201');
  expect(outcome(await passkeySignIn(service, device))).toBe('201');
  // The provider tells who it is; the second factor is still asked for.
  expect(outcome(await signInAs(service, 'ada'))).toMatch(/^201|mfa-required/);
});

it('decrypts all that is encrypted', async () => {
  const { counts, unreadable } = await survey(db, service.deps.keyring, () => {});
  expect(unreadable).toBe(0);
  const encrypted = counts.map(({ collection }) => collection);
  expect(encrypted).toEqual(expect.arrayContaining(['credentials', 'erasures', 'signing_keys', 'webhooks']));
});

it('has an audit trail that verifies, goes on, and tells of the restore', async () => {
  await sealAll(sealingOptions(service));
  const { verified } = await verifyAuditTrail({ keyring: service.deps.keyring });
  expect([verified.findings, verified.listed]).toEqual([0, []]);
  expect(verified.events).toBeGreaterThan(5);
  const [event] = await AuditEvent.find({ action: 'backup.restored' }).lean();
  expect(event).toMatchObject({ outcome: 'success', actor: { type: 'operator' }, target: { name: report.backup } });
});

it('lets no session of before go on', async () => {
  expect(report.endings.sessions).toBeGreaterThan(1);
  for (const each of [ada, admin, eve]) {
    expect(outcome(await whoAmI(service, each.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(service, each.refreshToken))).toBe('401 invalid-token');
  }
});

it('takes no token that was mailed before', async () => {
  expect(report.endings.tokens).toBeGreaterThan(2);
  const newPassword = 'another good long password';
  const reset = await post(service, '/v1/password-resets/confirm', { token: tokens.reset, newPassword });
  expect(outcome(reset)).toBe('401 invalid-code');
  const verified = await post(service, '/v1/email-verifications/confirm', {
    token: tokens.verification,
    password: ada.password,
  });
  expect(outcome(verified)).toBe('401 invalid-code');
  const challenge = await challengeFor(service, ada.email);
  const signedIn = await secondStep(service, challenge, 'totp', codeOf(totp.secret, 1));
  const headers = { authorization: `Bearer ${signedIn.json().accessToken}` };
  const joined = await call(service, 'POST', '/v1/invitations/accept', { token: tokens.invitation }, { headers });
  expect(outcome(joined)).toBe('401 invalid-code');
});

it('does not have whoever was erased since, nor anything that names them', async () => {
  expect(report.erasedAgain).toBe(1);
  const left = await dump();
  for (const trace of [eve.email, eve.email.split('@')[0] ?? '', LAST_NAME])
    expect(left.includes(trace), trace).toBe(false);
  // What names it tells of its end, and of what it had done.
  const named = await dump({ except: ['audit_events', 'webhook_events', 'journal'] });
  expect(named.includes(eve.id)).toBe(false);
  expect(await WebhookEvent.distinct('type', { userId: eve.id })).toEqual(['user.purged']);
  await expect(signIn(service, eve.email)).rejects.toThrow('401');
  const about = await AuditEvent.find({ 'target.id': new ObjectId(eve.id), action: { $ne: 'user.purged' } }).lean();
  expect(about.length).toBeGreaterThan(0);
  expect(about.filter(({ personal }) => personal != null)).toEqual([]);
});

it('has the ledger of today', async () => {
  const there = await ledger().find().sort({ _id: 1 }).toArray();
  expect(await db.collection('erasures').find().sort({ _id: 1 }).toArray()).toEqual(there);
  expect(there.map(({ _id }) => _id)).toContain(entry);
});

it('sends no mail that waited, and all that is new', async () => {
  expect(report.endings.mails).toBeGreaterThan(3);
  const mail = openMail(service.app);
  mail.start();
  try {
    const { email } = await person(service);
    await until('the new mail has arrived', async () => mailServer.received.some(({ to }) => to.includes(email)));
    expect(mailServer.received.flatMap(({ to }) => to).filter((to) => to !== email)).toEqual([]);
    expect(await Outbox.countDocuments({ failure: 'restored', dueAt: { $exists: false } })).toBe(report.endings.mails);
  } finally {
    await mail.stop();
  }
});

it('tells no other service what was to be told before, nor again who is gone', async () => {
  const webhooks = openWebhooks(service.app);
  webhooks.start();
  try {
    const { id } = await person(service);
    await until('the new event has arrived', async () => receiver.received.some(({ body }) => body.includes(id)));
    expect(known.length).toBeGreaterThan(5);
    expect(receiver.ids.filter((each) => known.includes(each))).toEqual([]);
    expect(receiver.received.filter(({ body }) => body.includes(eve.id))).toEqual([]);
    expect(await WebhookEvent.countDocuments({ dueAt: { $exists: true }, userId: { $ne: id } })).toBe(0);
    // The receiver knows before it is noted.
    const waiting = { outcome: 'pending', dueAt: { $exists: true } } as const;
    await until('nothing waits any more', async () => (await WebhookDelivery.countDocuments(waiting)) === 0);
  } finally {
    await webhooks.stop();
  }
});
