// O3: an account taken over by an email that nobody has verified. Elsewhere a provider's word for an email was taken for
// proof of it ("nOAuth"), or an account that a stranger had made with a victim's email was handed to both of them
// (classic-federated merge). Here an identity opens an account that it is not linked to only where both sides have seen
// that the mailbox is theirs; and an unverified account goes to whoever proves its mailbox, without what a stranger left.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Credential } from '../../src/models/credential.ts';
import { Identity } from '../../src/models/identity.ts';
import { Outbox } from '../../src/models/outbox.ts';
import { User } from '../../src/models/user.ts';
import type { TestApp } from '../helpers/app.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';
import { type IdentityService, linkTo, signInAs, startIdentityService } from '../helpers/identities.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, whoAmI } from '../helpers/people.ts';

let running: IdentityService;
let service: TestApp;
beforeAll(async () => {
  running = await startIdentityService();
  ({ service } = running);
});
afterAll(() => running.close());

let count = 0;
/** Who comes by the provider. */
let comer: string;
/** Whoever has the account already. */
let holder: Person;
beforeEach(async () => {
  comer = `comer-${++count}`;
  holder = await person(service);
});

const claim = (claims: object) => running.idp.people.set(comer, { ...claims });
const verifyHere = () => User.updateOne({ _id: holder.id }, { $set: { emailVerified: true } });
const linked = () => Identity.countDocuments({ userId: holder.id });

async function expectRefusal(code: string) {
  const [mails, users] = [await Outbox.countDocuments(), await User.countDocuments()];
  const before = await User.findById(holder.id).select('+passwordHash').lean();
  expect(outcome(await signInAs(service, comer))).toBe(code);
  expect(await User.findById(holder.id).select('+passwordHash').lean()).toEqual(before);
  expect([await linked(), await Outbox.countDocuments(), await User.countDocuments()]).toEqual([0, mails, users]);
  expect((await whoAmI(service, holder.accessToken)).statusCode).toBe(200);
  const event = await AuditEvent.findOne({ outcome: 'failure' }).sort({ _id: -1 }).lean();
  expect(event).toMatchObject({ action: 'session.created', reason: code.slice(4) });
}

describe('an email that the provider has verified', () => {
  beforeEach(() => claim({ email: holder.email, email_verified: true }));

  it('and this service too opens the account, and links the identity', async () => {
    await verifyHere();
    const answer = await signInAs(service, comer);
    expect(answer.json().user).toMatchObject({ id: holder.id, emailVerified: true });
    expect(await linked()).toBe(1);
    // Whoever had it before has proven the mailbox, so that nothing is taken from them.
    expect((await whoAmI(service, holder.accessToken)).statusCode).toBe(200);
    const signIn = await call(service, 'POST', '/v1/sessions', { email: holder.email, password: PASSWORD });
    expect(signIn.statusCode).toBe(201);
  });

  it('and this service has not: the account is theirs, without all that a stranger left in it (T12)', async () => {
    running.idp.people.set('stranger', { email: freshEmail('stranger'), email_verified: true });
    await linkTo(service, holder, 'stranger');
    await Credential.create({ userId: holder.id, type: 'totp', secret: UNOPENABLE, createdAt: new Date() });
    await User.updateOne({ _id: holder.id }, { $set: { secondFactors: ['totp'] } });

    const answer = await signInAs(service, comer);
    expect(outcome(answer)).toBe('201');
    expect(answer.json().user).toMatchObject({ id: holder.id, emailVerified: true });

    expect(outcome(await whoAmI(service, holder.accessToken))).toBe('401 invalid-token');
    expect(outcome(await refresh(service, holder.refreshToken))).toBe('401 invalid-token');
    const signIn = await call(service, 'POST', '/v1/sessions', { email: holder.email, password: PASSWORD });
    expect(outcome(signIn)).toBe('401 invalid-credentials');
    expect(await Credential.countDocuments({ userId: holder.id })).toBe(0);
    expect(await User.findById(holder.id).select('+passwordHash').lean()).not.toHaveProperty('passwordHash');
    const identities = await Identity.find({ userId: holder.id }).lean();
    expect(identities.map(({ subject }) => subject)).toEqual([comer]);
    expect((await signInAs(service, 'stranger')).json().user.id).not.toBe(holder.id);
    expect(await AuditEvent.countDocuments({ 'target.id': holder.id, action: 'user.reclaimed' })).toBe(1);
  });

  it('in another spelling is the same mailbox', async () => {
    await verifyHere();
    claim({ email: ` ${holder.email.toUpperCase()}`, email_verified: true });
    expect((await signInAs(service, comer)).json().user.id).toBe(holder.id);
  });

  it('links nothing to an account with a second factor: one factor alone changes nothing there', async () => {
    await verifyHere();
    await User.updateOne({ _id: holder.id }, { $set: { secondFactors: ['totp'] } });
    await expectRefusal('409 link-required');
  });

  it.each(['suspended', 'deleted'])('opens no account that is %s, and makes none beside it', async (status) => {
    await verifyHere();
    await User.updateOne({ _id: holder.id }, { $set: { status } });
    expect(outcome(await signInAs(service, comer))).toBe('401 invalid-credentials');
    expect([await linked(), await User.countDocuments({ email: holder.email })]).toEqual([0, 1]);
  });
});

describe('an email that the provider has not verified', () => {
  it.each([
    ['says no', { email_verified: false }],
    ['says nothing', {}],
    ['says so in a word', { email_verified: 'true' }],
    ['says so by a number', { email_verified: 1 }],
    ['says so by a list', { email_verified: [true] }],
  ])('opens nothing, verified here or not: it %s', async (_what, claims) => {
    claim({ email: holder.email, ...claims });
    await expectRefusal('409 link-required');
    await verifyHere();
    await expectRefusal('409 link-required');
  });

  it('makes an unverified account where there is none', async () => {
    claim({ email: freshEmail() });
    expect((await signInAs(service, comer)).json().user.emailVerified).toBe(false);
  });
});

describe('a provider that the configuration does not trust with emails', () => {
  it('opens nothing by them', async () => {
    const [entry] = service.config.IDENTITY_PROVIDERS;
    const wary = await service.another({ IDENTITY_PROVIDERS: JSON.stringify([{ ...entry, trustEmail: false }]) });
    claim({ email: holder.email, email_verified: true });
    for (const verify of [async () => {}, verifyHere]) {
      await verify();
      expect(outcome(await signInAs(wary, comer))).toBe('409 link-required');
    }
    claim({ email: freshEmail(), email_verified: true });
    expect((await signInAs(wary, comer)).json().user.emailVerified).toBe(false);
  });
});

describe('a known identity', () => {
  it.each(['suspended', 'deleted'])('opens no account that is %s', async (status) => {
    claim({ email: freshEmail(), email_verified: true });
    const { user } = (await signInAs(service, comer)).json();
    const known = await Identity.findOne({ userId: user.id }).lean();
    await User.updateOne({ _id: user.id }, { $set: { status } });
    expect(outcome(await signInAs(service, comer))).toBe('401 invalid-credentials');
    expect(await Identity.findOne({ userId: user.id }).lean()).toEqual(known);
  });

  it('opens its own account, whatever email the provider tells by now', async () => {
    claim({ email: freshEmail(), email_verified: true });
    const { user } = (await signInAs(service, comer)).json();
    await verifyHere();
    claim({ email: holder.email, email_verified: true });
    expect((await signInAs(service, comer)).json().user.id).toBe(user.id);
    expect(await linked()).toBe(0);
  });
});

describe.each(['HIDE_EXISTING_ACCOUNTS', 'REQUIRE_VERIFIED_EMAIL'])('with %s', (setting) => {
  let careful: TestApp;
  beforeAll(async () => {
    careful = await service.another({ [setting]: 'true' });
  });

  it('an unverified email is answered alike whether it has an account or not (E4)', async () => {
    claim({ email: holder.email });
    const taken = await signInAs(careful, comer);
    await verifyHere();
    const verified = await signInAs(careful, comer);
    claim({ email: freshEmail() });
    const free = await signInAs(careful, comer);
    for (const { statusCode, json } of [taken, verified, free]) {
      const { requestId: _, ...problem } = json();
      expect([statusCode, problem]).toEqual([422, expect.objectContaining({ code: 'email-required' })]);
    }
    expect(await Identity.countDocuments({ subject: comer })).toBe(0);
  });

  it('a verified one opens the account as ever', async () => {
    await verifyHere();
    claim({ email: holder.email, email_verified: true });
    expect((await signInAs(careful, comer)).json().user.id).toBe(holder.id);
  });
});

it('with REQUIRE_VERIFIED_EMAIL an identity of an unverified account opens nothing, and another link is mailed', async () => {
  claim({ email: freshEmail() });
  const { user } = (await signInAs(service, comer)).json();
  await Outbox.deleteMany({ userId: user.id });
  const careful = await service.another({ REQUIRE_VERIFIED_EMAIL: 'true' });
  expect(outcome(await signInAs(careful, comer))).toBe('403 email-not-verified');
  await careful.app.settled();
  expect((await Outbox.find({ userId: user.id }).lean()).map(({ template }) => template)).toEqual(['verify-email']);
  const denials = await AuditEvent.find({ 'target.id': user.id, outcome: { $ne: 'success' } }).lean();
  expect(denials.map(({ action, reason }) => `${action} ${reason}`)).toEqual(['session.created email-not-verified']);
});
