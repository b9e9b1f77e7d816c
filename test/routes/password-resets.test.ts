import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { mailsTo, mailTo, post, resetToken, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, PASSWORD, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const confirm = (body: unknown, headers = {}) => post(service, '/v1/password-resets/confirm', body, headers);
const eventsOf = async (id: string) =>
  (await AuditEvent.find({ 'target.id': id }).sort({ _id: 1 }).lean()).map(
    ({ action, outcome: end }) => `${action} ${end}`,
  );

it('mails a link that works for half an hour, by which a new password is set', async () => {
  const { email, id } = await verifiedAccount(service);
  const answer = await post(service, '/v1/password-resets', { email });
  expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'accepted' }]);
  const data = await mailTo(service, email, 'reset-password');
  expect(data).toEqual({
    link: expect.stringMatching(/^http:\/\/localhost:3000\/reset-password#token=[\w-]{43}$/),
    validForSeconds: 1_800,
  });
  const token = data.link.split('=')[1];
  expect(outcome(await confirm({ token, newPassword: NEXT }))).toBe('204');
  await expect(signIn(service, email)).rejects.toThrow('401');
  await signIn(service, email, NEXT);
  expect((await mailsTo(service, email)).slice(1)).toEqual(['reset-password', 'password-changed']);
  expect((await eventsOf(id)).slice(2)).toEqual([
    'user.password-reset-requested success',
    'user.password-reset success',
    'session.created failure',
    'session.created success',
  ]);
});

it('keeps the link while the new password is not acceptable, and tells all that is wrong with it', async () => {
  const { email } = await verifiedAccount(service);
  const token = await resetToken(service, email);
  const refused = await confirm({ token, newPassword: 'short' });
  expect(outcome(refused)).toBe('400 password-unacceptable');
  expect(refused.json().errors[0].pointer).toBe('/newPassword');
  const [name = ''] = email.split('@');
  expect(outcome(await confirm({ token, newPassword: `${name} ${name}` }))).toBe('400 password-unacceptable');
  expect(outcome(await confirm({ token, newPassword: NEXT }))).toBe('204');
});

it('overtakes the link before, and takes neither a made-up nor an expired one', async () => {
  const { email } = await verifiedAccount(service);
  const first = await resetToken(service, email);
  await resetToken(service, email);
  expect(outcome(await confirm({ token: first, newPassword: NEXT }))).toBe('401 invalid-code');
  expect(outcome(await confirm({ token: 'made up', newPassword: NEXT }))).toBe('401 invalid-code');
  await signIn(service, email, PASSWORD);
});

it('is the same to a retry under an idempotency key, whatever was lost', async () => {
  const { email } = await verifiedAccount(service);
  const body = { token: await resetToken(service, email), newPassword: NEXT };
  const headers = { 'idempotency-key': 'reset-once' };
  expect(outcome(await confirm(body, headers))).toBe('204');
  const again = await confirm(body, headers);
  expect([again.statusCode, again.headers['idempotency-replayed']]).toEqual([204, 'true']);
});

it('gives a password to an account that has none', async () => {
  const { email, id } = await verifiedAccount(service);
  await User.updateOne({ _id: id }, { $unset: { passwordHash: 1, passwordChangedAt: 1 } });
  expect(outcome(await confirm({ token: await resetToken(service, email), newPassword: NEXT }))).toBe('204');
  await signIn(service, email, NEXT);
});

describe('nothing is mailed', () => {
  it.each(['suspended', 'deleted'])('to an account that is %s', async (status) => {
    const { email } = await verifiedAccount(service);
    await User.updateOne({ email }, { $set: { status } });
    expect((await post(service, '/v1/password-resets', { email })).statusCode).toBe(202);
    expect(await mailsTo(service, email)).not.toContain('reset-password');
  });

  it('to nobody, which is written down all the same', async () => {
    const email = freshEmail();
    const { headers } = await post(service, '/v1/password-resets', { email });
    expect(await mailsTo(service, email)).toEqual([]);
    expect(await AuditEvent.find({ requestId: String(headers['x-request-id']) }).lean()).toMatchObject([
      {
        action: 'user.password-reset-requested',
        outcome: 'failure',
        reason: 'not-found',
        target: { collection: 'users' },
      },
    ]);
  });
});

it('a link that was mailed before a suspension sets nothing during it', async () => {
  const { email, id } = await verifiedAccount(service);
  const token = await resetToken(service, email);
  await User.updateOne({ _id: id }, { $set: { status: 'suspended' } });
  expect(outcome(await confirm({ token, newPassword: NEXT }))).toBe('401 invalid-code');
});

it('changing the password tells the mailbox', async () => {
  const { email } = await verifiedAccount(service);
  const owner = await signIn(service, email);
  const change = { currentPassword: PASSWORD, newPassword: NEXT };
  const headers = { 'user-agent': 'a browser' };
  expect((await owner.call('PUT', '/v1/users/me/password', { ...change, currentPassword: 'x' })).statusCode).toBe(403);
  expect(await mailsTo(service, email)).not.toContain('password-changed');
  expect((await owner.call('PUT', '/v1/users/me/password', change, { headers })).statusCode).toBe(204);
  expect(await mailTo(service, email, 'password-changed')).toEqual({
    at: expect.stringMatching(/Z$/),
    ip: '127.0.0.1',
    userAgent: 'a browser',
  });
});
