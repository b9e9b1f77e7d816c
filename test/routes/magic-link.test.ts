import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { magicLink, mailsTo, mailTo, post, signUp, verifiedAccount, wrongCode } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, signIn, whoAmI } from '../helpers/people.ts';

const URL = '/v1/sessions/magic-link';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const confirm = (body: unknown) => post(service, `${URL}/confirm`, body);

describe('POST /v1/sessions/magic-link', () => {
  it('answers with a challenge and mails a link and a code, for a quarter of an hour', async () => {
    const { email } = await verifiedAccount(service);
    const answer = await post(service, URL, { email });
    expect([answer.statusCode, answer.json()]).toEqual([202, { challenge: expect.stringMatching(/^[\w-]{43}$/) }]);
    expect(await mailTo(service, email, 'magic-link')).toEqual({
      link: expect.stringMatching(/\/magic-link#token=[\w-]{43}\.[\w-]{43}$/),
      code: expect.stringMatching(/^\d{6}$/),
      validForSeconds: 900,
    });
  });

  it('gives a challenge to everybody and mail to accounts that may sign in', async () => {
    const nobody = freshEmail();
    const { email } = await verifiedAccount(service);
    await User.updateOne({ email }, { $set: { status: 'suspended' } });
    for (const each of [nobody, email]) {
      const answer = await post(service, URL, { email: each });
      expect([answer.statusCode, answer.json()]).toEqual([202, { challenge: expect.stringMatching(/^[\w-]{43}$/) }]);
      expect(await mailsTo(service, each)).not.toContain('magic-link');
    }
  });

  it('takes no idempotency key', async () => {
    const answer = await post(service, URL, { email: freshEmail() }, { 'idempotency-key': 'k' });
    expect(outcome(answer)).toBe('400 idempotency-not-supported');
  });
});

describe('POST /v1/sessions/magic-link/confirm', () => {
  it.each(['link', 'code'])('signs in by the %s', async (means) => {
    const { email, id } = await verifiedAccount(service);
    const { token, challenge, code } = await magicLink(service, email);
    const answer = await confirm(means === 'link' ? { token } : { challenge, code });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toMatchObject({ user: { id, email }, session: { authenticationMethods: ['otp'] } });
    expect(answer.headers['location']).toBe(`/v1/sessions/${answer.json().session.id}`);
    expect((await whoAmI(service, answer.json().accessToken)).statusCode).toBe(200);
    // Link and code are one: the use of either ends both.
    expect(outcome(await confirm({ token }))).toBe('401 invalid-code');
    expect(outcome(await confirm({ challenge, code }))).toBe('401 invalid-code');
    expect(await OneTimeToken.countDocuments({ userId: id, purpose: 'magic-link' })).toBe(0);
  });

  it('keeps the password and the sessions of a verified account', async () => {
    const { email } = await verifiedAccount(service);
    const other = await signIn(service, email);
    expect(outcome(await confirm({ token: (await magicLink(service, email)).token }))).toBe('201');
    expect((await other.call('GET', '/v1/users/me')).statusCode).toBe(200);
    await signIn(service, email);
  });

  it('wakes an inactive account', async () => {
    const { email } = await verifiedAccount(service);
    await User.updateOne({ email }, { $set: { status: 'inactive' } });
    const answer = await confirm({ token: (await magicLink(service, email)).token });
    expect(answer.json().user.status).toBe('active');
  });

  it('answers a wrong code, a wrong link and a challenge of nobody alike, and writes each down', async () => {
    const { email, id } = await verifiedAccount(service);
    const { token, challenge, code } = await magicLink(service, email);
    const nobodys = (await post(service, URL, { email: freshEmail() })).json().challenge;
    const bodies = [
      { challenge, code: wrongCode(code) },
      { challenge: nobodys, code },
      { token: `${challenge}.${'A'.repeat(43)}` },
      { token: challenge },
      { token: token.slice(44) },
      { token: '.' },
    ];
    const seen = new Set<string>();
    for (const body of bodies) {
      const { requestId: _, ...problem } = (await confirm(body)).json();
      seen.add(JSON.stringify(problem));
    }
    expect([...seen]).toEqual([expect.stringContaining('"code":"invalid-code"')]);
    expect(
      await AuditEvent.countDocuments({ 'target.id': id, action: 'session.created', reason: 'invalid-code' }),
    ).toBe(3);
    expect(outcome(await confirm({ challenge, code }))).toBe('201');
  });

  it('takes either a token, or a challenge with its code', async () => {
    const { email } = await verifiedAccount(service);
    const { token, challenge, code } = await magicLink(service, email);
    for (const body of [{}, { challenge }, { code }, { token, code }, { token, challenge, code }])
      expect(outcome(await confirm(body))).toBe('400 validation-failed');
    expect(outcome(await confirm({ challenge, code: '12345' }))).toBe('400 validation-failed');
    expect(outcome(await confirm({ challenge, code }))).toBe('201');
  });

  it('newer mail overtakes the one before', async () => {
    const { email } = await verifiedAccount(service);
    const first = await magicLink(service, email);
    const second = await magicLink(service, email);
    expect(outcome(await confirm({ token: first.token }))).toBe('401 invalid-code');
    expect(outcome(await confirm({ challenge: first.challenge, code: first.code }))).toBe('401 invalid-code');
    expect(outcome(await confirm({ challenge: second.challenge, code: second.code }))).toBe('201');
  });

  it('is over after a quarter of an hour, whatever is still stored', async () => {
    const { email, id } = await verifiedAccount(service);
    const { token, challenge, code } = await magicLink(service, email);
    const expired = { $set: { expiresAt: new Date(Date.now() - 1) } };
    await OneTimeToken.updateOne({ userId: id, purpose: 'magic-link' }, expired);
    for (const body of [{ token }, { challenge, code }]) expect(outcome(await confirm(body))).toBe('401 invalid-code');
  });

  it('proves the mailbox: an account that was not verified is, and is empty', async () => {
    const { email, id } = await signUp(service);
    const { token } = await magicLink(service, email);
    expect((await confirm({ token })).json().user).toMatchObject({ id, emailVerified: true });
    await expect(signIn(service, email)).rejects.toThrow('401');
  });
});
