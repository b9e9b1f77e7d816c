import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { mailsTo, mailTo, post, signUp, tokenFor, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { age, freshEmail, PASSWORD, type Person, signIn } from '../helpers/people.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const verified = async () => signIn(service, (await verifiedAccount(service)).email);
const change = (who: Person, email: string, headers = {}) =>
  who.call('PUT', '/v1/users/me/email', { email }, { headers });
const confirm = (body: unknown, headers = {}) => post(service, '/v1/email-changes/confirm', body, headers);
const emailOf = async ({ id }: { id: string }) => (await User.findById(id).lean())?.email;

/** Asks for another email and returns it with the mailed token. */
async function asked(who: Person) {
  const email = freshEmail('new');
  expect((await change(who, email)).statusCode).toBe(202);
  return { email, token: await tokenFor(service, email, 'confirm-new-email') };
}

it('mails a link to the new mailbox and a notice to the old one, and changes nothing yet', async () => {
  const ada = await verified();
  const email = freshEmail('new');
  const answer = await change(ada, email.toUpperCase());
  expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'accepted' }]);
  expect(await mailTo(service, email, 'confirm-new-email')).toEqual({
    link: expect.stringMatching(/\/confirm-email#token=[\w-]{43}$/),
    validForSeconds: 3_600,
  });
  expect(await mailTo(service, ada.email, 'email-change-requested')).toMatchObject({ newEmail: email });
  expect(await emailOf(ada)).toBe(ada.email);
  await signIn(service, ada.email);
});

it('changes by the link and the password; the session that asked stays, all others end', async () => {
  const ada = await verified();
  const other = await signIn(service, ada.email);
  const { email, token } = await asked(ada);
  const answer = await confirm({ token, password: PASSWORD });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({ id: ada.id, email, emailVerified: true });
  expect((await ada.call('GET', '/v1/users/me')).json().email).toBe(email);
  expect(outcome(await other.call('GET', '/v1/users/me'))).toBe('401 invalid-token');
  await expect(signIn(service, ada.email)).rejects.toThrow('401');
  await signIn(service, email);
  expect(await mailTo(service, ada.email, 'email-changed')).toMatchObject({ newEmail: email });
  expect(await OneTimeToken.countDocuments({ userId: ada.id })).toBe(0);
  const events = await AuditEvent.find({ 'target.id': ada.id, action: /email-change/ })
    .sort({ _id: 1 })
    .lean();
  expect(events.map(({ action, changes }) => [action, changes ?? []])).toEqual([
    ['user.email-change-requested', []],
    ['user.email-changed', ['email', 'emailVerified']],
  ]);
});

it('changes by the link and a session of the account', async () => {
  const ada = await verified();
  const { email, token } = await asked(ada);
  expect((await confirm({ token }, ada.headers)).json()).toMatchObject({ email });
});

it('changes nothing by the link alone, or with what somebody else has', async () => {
  const [ada, eve] = [await verified(), await verified()];
  const { token } = await asked(ada);
  expect(outcome(await confirm({ token }))).toBe('401 credentials-required');
  expect(outcome(await confirm({ token }, eve.headers))).toBe('401 credentials-required');
  expect(outcome(await confirm({ token, password: 'wrong' }))).toBe('401 invalid-credentials');
  expect(await emailOf(ada)).toBe(ada.email);
  expect(outcome(await confirm({ token, password: PASSWORD }))).toBe('200');
  expect(outcome(await confirm({ token, password: PASSWORD }))).toBe('401 invalid-code');
});

it('proves the mailbox of an account that had not proven the one before', async () => {
  const ada = await signIn(service, (await signUp(service)).email);
  const { email, token } = await asked(ada);
  expect((await confirm({ token }, ada.headers)).json()).toMatchObject({ email, emailVerified: true });
});

it('a newer wish overtakes the one before', async () => {
  const ada = await verified();
  const first = await asked(ada);
  const second = await asked(ada);
  expect(outcome(await confirm({ token: first.token }, ada.headers))).toBe('401 invalid-code');
  expect(outcome(await confirm({ token: second.token }, ada.headers))).toBe('200');
});

describe('an email that is taken', () => {
  it('is refused at once', async () => {
    const [ada, bob] = [await verified(), await verified()];
    expect(outcome(await change(ada, bob.email))).toBe('409 email-taken');
    expect(await mailsTo(service, ada.email)).not.toContain('email-change-requested');
    expect(await mailsTo(service, bob.email)).toEqual(['verify-email']);
  });

  it('in the meantime is refused at the end, and the link is not used up', async () => {
    const ada = await verified();
    const { email, token } = await asked(ada);
    const { id } = await signUp(service, email);
    expect(outcome(await confirm({ token }, ada.headers))).toBe('409 email-taken');
    expect(await emailOf(ada)).toBe(ada.email);
    await User.deleteOne({ _id: id });
    expect(outcome(await confirm({ token }, ada.headers))).toBe('200');
  });
});

it('is for a recent sign-in, a well-formed other email and the version that the client has seen', async () => {
  const ada = await verified();
  expect(outcome(await change(ada, 'nonsense'))).toBe('400 validation-failed');
  expect((await change(ada, ada.email.toUpperCase())).json().errors).toMatchObject([{ code: 'unchanged' }]);
  expect(outcome(await change(ada, freshEmail(), { 'if-match': '"99"' }))).toBe('412 precondition-failed');
  const { etag } = (await ada.call('GET', '/v1/users/me')).headers;
  expect(outcome(await change(ada, freshEmail(), { 'if-match': String(etag) }))).toBe('202');
  await age(ada.sessionId, 11);
  expect(outcome(await change(ada, freshEmail()))).toBe('403 reauthentication-required');
});

it('one mailbox is not filled, whoever asks', async () => {
  const email = freshEmail('new');
  const answers: string[] = [];
  for (let n = 0; n < 6; n++) answers.push(outcome(await change(await verified(), email)));
  expect(answers).toEqual([...Array(5).fill('202'), '429 rate-limited']);
  expect(await mailsTo(service, email)).toHaveLength(5);
});
