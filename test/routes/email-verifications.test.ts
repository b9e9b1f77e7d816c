import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Credential } from '../../src/models/credential.ts';
import { Identity } from '../../src/models/identity.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { Outbox } from '../../src/models/outbox.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';
import { mailsTo, mailTo, post, signUp, tokenFor, tokenIn, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, PASSWORD, signIn } from '../helpers/people.ts';

const URL = '/v1/email-verifications';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ APP_URL: 'https://app.example.com/accounts/' });
});
afterAll(() => service.close());

const confirm = (body: unknown, headers = {}) => post(service, `${URL}/confirm`, body, headers);
const isVerified = async (email: string) => (await User.findOne({ email }).lean())?.emailVerified;

describe('sign-up', () => {
  it('mails a link that says yes and one that says no, to pages of the application', async () => {
    const { email } = await signUp(service);
    expect(await mailsTo(service, email)).toEqual(['verify-email']);
    const data = await mailTo(service, email, 'verify-email');
    expect(data).toEqual({
      link: expect.stringMatching(/^https:\/\/app\.example\.com\/accounts\/verify-email#token=[\w-]{43}$/),
      rejectLink: expect.stringMatching(/^https:\/\/app\.example\.com\/accounts\/reject-sign-up#token=[\w-]{43}$/),
      validForSeconds: 86_400,
    });
  });

  it('that fails mails nothing', async () => {
    const { email } = await signUp(service);
    expect(outcome(await post(service, '/v1/users', { email, password: PASSWORD }))).toBe('409 email-taken');
    expect(await mailsTo(service, email)).toEqual(['verify-email']);
  });
});

describe('POST /v1/email-verifications', () => {
  it('mails new links, and the earlier ones stop working', async () => {
    const { email, password } = await signUp(service);
    const first = await tokenFor(service, email, 'verify-email');
    const answer = await post(service, URL, { email: ` ${email.toUpperCase()}` });
    expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'accepted' }]);
    const second = await tokenFor(service, email, 'verify-email');
    expect(outcome(await confirm({ token: first, password }))).toBe('401 invalid-code');
    expect(outcome(await confirm({ token: second, password }))).toBe('200');
  });

  it('mails nothing where there is nothing to verify', async () => {
    const { email } = await verifiedAccount(service);
    const nobody = freshEmail();
    for (const each of [email, nobody]) expect((await post(service, URL, { email: each })).statusCode).toBe(202);
    expect(await mailsTo(service, email)).toEqual(['verify-email']);
    expect(await mailsTo(service, nobody)).toEqual([]);
  });

  it.each(['suspended', 'deleted'])('mails nothing to an account that is %s', async (status) => {
    const { email } = await signUp(service);
    await User.updateOne({ email }, { $set: { status } });
    expect((await post(service, URL, { email })).statusCode).toBe(202);
    expect(await mailsTo(service, email)).toEqual(['verify-email']);
  });

  it('says what is wrong with an email before it looks anything up', async () => {
    const answer = await post(service, URL, { email: 'not an email' });
    expect([answer.statusCode, answer.json().errors]).toEqual([400, [expect.objectContaining({ pointer: '/email' })]]);
  });
});

describe('POST /v1/email-verifications/confirm', () => {
  it('verifies by the link and the password', async () => {
    const { email, id, password } = await signUp(service);
    const answer = await confirm({ token: await tokenFor(service, email, 'verify-email'), password });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ id, email, emailVerified: true });
    expect(answer.headers['etag']).toBe('"2"');
    expect(await AuditEvent.find({ 'target.id': id, action: 'user.email-verified' }).lean()).toMatchObject([
      { outcome: 'success', changes: ['emailVerified'], actor: { type: 'user' } },
    ]);
    expect(await OneTimeToken.countDocuments({ userId: id })).toBe(0);
  });

  it('verifies by the link and a session of the account, which stays', async () => {
    const { email } = await signUp(service);
    const { headers, call } = await signIn(service, email);
    const answer = await confirm({ token: await tokenFor(service, email, 'verify-email') }, headers);
    expect(answer.json()).toMatchObject({ emailVerified: true });
    expect((await call('GET', '/v1/users/me')).json()).toMatchObject({ emailVerified: true });
  });

  it('verifies nothing by the link alone, a wrong password or a session of somebody else; the link stays good', async () => {
    const { email, password } = await signUp(service);
    const token = await tokenFor(service, email, 'verify-email');
    const stranger = await signIn(service, (await signUp(service)).email);
    expect(outcome(await confirm({ token }))).toBe('401 credentials-required');
    expect(outcome(await confirm({ token }, stranger.headers))).toBe('401 credentials-required');
    expect(outcome(await confirm({ token, password: 'wrong' }))).toBe('401 invalid-credentials');
    expect(outcome(await confirm({ token }, { authorization: 'Bearer a.b.c' }))).toBe('401 invalid-token');
    expect(await isVerified(email)).toBe(false);
    expect(outcome(await confirm({ token, password }, stranger.headers))).toBe('200');
  });

  it('counts wrong passwords with those of sign-in', async () => {
    const strict = await service.another({ SIGN_IN_FAILURES: '3' });
    const { email } = await signUp(service);
    const token = await tokenFor(service, email, 'verify-email');
    const url = `${URL}/confirm`;
    for (let n = 0; n < 2; n++)
      expect(outcome(await post(strict, url, { token, password: 'wrong' }))).toBe('401 invalid-credentials');
    expect(outcome(await post(strict, url, { token, password: PASSWORD }))).toBe('429 rate-limited');
  });

  it('is the same to a retry under an idempotency key', async () => {
    const { email, password } = await signUp(service);
    const body = { token: await tokenFor(service, email, 'verify-email'), password };
    const headers = { 'idempotency-key': 'verify-once' };
    const first = await confirm(body, headers);
    const again = await confirm(body, headers);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
  });

  it('takes a token of no account, an expired one, and one of an account that was suspended for none', async () => {
    const { email, id, password } = await signUp(service);
    const token = await tokenFor(service, email, 'verify-email');
    expect(outcome(await confirm({ token: 'x'.repeat(43), password }))).toBe('401 invalid-code');
    await OneTimeToken.updateMany({ userId: id }, { $set: { expiresAt: new Date(Date.now() - 1) } });
    expect(outcome(await confirm({ token, password }))).toBe('401 invalid-code');
    await OneTimeToken.updateMany({ userId: id }, { $set: { expiresAt: new Date(Date.now() + 60_000) } });
    await User.updateOne({ _id: id }, { $set: { status: 'suspended' } });
    expect(outcome(await confirm({ token, password }))).toBe('401 invalid-credentials');
    expect(await isVerified(email)).toBe(false);
  });
});

describe('POST /v1/email-verifications/reject', () => {
  const reject = (token: string) => post(service, `${URL}/reject`, { token });
  const rejectToken = async (email: string) => tokenIn((await mailTo(service, email, 'verify-email')).rejectLink);

  it('removes the account and all that belongs to it, for good; the email is free again', async () => {
    const { email, id } = await signUp(service);
    const stranger = await signIn(service, email);
    const at = new Date();
    await Credential.create({ userId: id, type: 'totp', secret: UNOPENABLE, createdAt: at });
    await Identity.create({ userId: id, provider: 'p', subject: id, createdAt: at, lastUsedAt: at });
    const token = await rejectToken(email);
    expect(outcome(await reject(token))).toBe('204');
    expect(await User.exists({ _id: id })).toBeNull();
    for (const model of [Session, OneTimeToken, Credential, Identity, Outbox])
      expect(await (model as typeof Session).countDocuments({ userId: id }), model.modelName).toBe(0);
    expect(outcome(await stranger.call('GET', '/v1/users/me'))).toBe('401 invalid-token');
    expect(await AuditEvent.countDocuments({ 'target.id': id, action: 'user.rejected' })).toBe(1);
    expect(outcome(await reject(token))).toBe('401 invalid-code');
    await signUp(service, email);
  });

  it('does nothing to an account that is verified', async () => {
    const { email, id } = await signUp(service);
    const token = await rejectToken(email);
    await User.updateOne({ _id: id }, { $set: { emailVerified: true } });
    expect(outcome(await reject(token))).toBe('401 invalid-code');
    expect(await User.exists({ _id: id })).not.toBeNull();
  });

  it('ends with the verification, and the other link does not reject', async () => {
    const { email, id, password } = await signUp(service);
    const [yes, no] = [await tokenFor(service, email, 'verify-email'), await rejectToken(email)];
    expect(outcome(await reject(yes))).toBe('401 invalid-code');
    expect(outcome(await confirm({ token: no, password }))).toBe('401 invalid-code');
    expect(outcome(await confirm({ token: yes, password }))).toBe('200');
    expect(outcome(await reject(no))).toBe('401 invalid-code');
    expect(await User.exists({ _id: id })).not.toBeNull();
  });

  it('keeps the last admin and what is under legal hold', async () => {
    const admin = await signUp(service);
    await User.updateOne({ _id: admin.id }, { $set: { roles: ['user', 'admin'] } });
    expect(outcome(await reject(await rejectToken(admin.email)))).toBe('409 last-admin');
    const held = await signUp(service);
    await User.updateOne({ _id: held.id }, { $set: { legalHold: true } });
    expect(outcome(await reject(await rejectToken(held.email)))).toBe('409 legal-hold');
    expect(await User.countDocuments({ _id: { $in: [admin.id, held.id] } })).toBe(2);
  });
});
