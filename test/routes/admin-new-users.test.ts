import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { mailsTo, mailTo, post, tokenFor, verifiedAccount } from '../helpers/mailed.ts';
import { outcome } from '../helpers/parallel.ts';
import { age, freshEmail, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';

let service: TestApp;
let admin: Person;
let support: Person;
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['user', 'admin'] });
  support = await person(service, { roles: ['user', 'support'] });
});
afterAll(() => service.close());

const create = (body: object, who = admin, headers = {}) => who.call('POST', '/v1/admin/users', body, { headers });
const setPassword = (token: string) => post(service, '/v1/password-resets/confirm', { token, newPassword: PASSWORD });

describe('POST /v1/admin/users', () => {
  it('creates an account without a password, whose owner chooses one within a day', async () => {
    const email = freshEmail('grace');
    const answer = await create({ email: email.toUpperCase(), firstName: ' Grace ', metadata: { team: 'navy' } });
    expect(answer.statusCode).toBe(201);
    const { id } = answer.json();
    expect(answer.json()).toMatchObject({
      email,
      firstName: 'Grace',
      metadata: { team: 'navy' },
      roles: ['user'],
      status: 'active',
      emailVerified: false,
    });
    expect(answer.headers).toMatchObject({ location: `/v1/admin/users/${id}`, etag: '"1"' });
    await expect(signIn(service, email)).rejects.toThrow('401');
    expect(await mailsTo(service, email)).toEqual(['choose-password']);
    expect(await mailTo(service, email, 'choose-password')).toEqual({
      link: expect.stringMatching(/\/choose-password#token=[\w-]{43}$/),
      validForSeconds: 86_400,
    });
    expect(outcome(await setPassword(await tokenFor(service, email, 'choose-password')))).toBe('204');
    await signIn(service, email);
    const events = await AuditEvent.find({ 'target.id': id }).sort({ _id: 1 }).lean();
    expect(events.map(({ action, outcome: end, actor }) => [action, end, String(actor.id)])).toEqual([
      ['user.created', 'success', admin.id],
      ['user.password-reset-requested', 'success', admin.id],
      ['session.created', 'failure', 'undefined'],
      ['user.email-verified', 'success', id],
      ['user.password-reset', 'success', id],
      ['session.created', 'success', id],
    ]);
    expect((await User.findById(id).lean())?.emailVerified).toBe(true);
  });

  it('takes no password and no status, whoever asks', async () => {
    for (const extra of [{ password: PASSWORD }, { emailVerified: true }, { status: 'active' }, { passwordHash: 'x' }])
      expect(outcome(await create({ email: freshEmail(), ...extra }))).toBe('400 validation-failed');
  });

  it('gives roles by whoever may, after a recent sign-in', async () => {
    const email = freshEmail();
    expect((await create({ email, roles: ['user', 'support'] })).json().roles).toEqual(['user', 'support']);
    const late = await signIn(service, admin.email);
    await age(late.sessionId, 11);
    expect(outcome(await create({ email: freshEmail(), roles: ['user'] }, late))).toBe('403 reauthentication-required');
    expect(outcome(await create({ email: freshEmail() }, late))).toBe('201');
    expect(outcome(await create({ email: freshEmail() }, support))).toBe('403 forbidden');
  });

  it('tells all that is wrong, and says that an email is taken', async () => {
    const wrong = await create({ email: 'nobody', firstName: '<b></b>', avatarUrl: 'ftp://x' });
    expect(
      wrong
        .json()
        .errors.map(({ pointer }: { pointer: string }) => pointer)
        .sort(),
    ).toEqual(['/avatarUrl', '/email', '/firstName']);
    expect(outcome(await create({ email: support.email }))).toBe('409 email-taken');
    expect(await mailsTo(service, support.email)).toEqual(['verify-email']);
  });

  it('makes one account of a request that is repeated under its key', async () => {
    const email = freshEmail();
    const headers = { 'idempotency-key': 'new-colleague' };
    const [first, again] = [await create({ email }, admin, headers), await create({ email }, admin, headers)];
    expect(again.json().id).toBe(first.json().id);
    expect(await mailsTo(service, email)).toEqual(['choose-password']);
  });
});

describe('POST /v1/admin/users/:id/password-reset', () => {
  const order = (id: string, who: Person, body?: object) =>
    who.call('POST', `/v1/admin/users/${id}/password-reset`, body);

  it('mails a link that works for a day, and changes nothing by itself', async () => {
    const { email, id } = await verifiedAccount(service);
    const owner = await signIn(service, email);
    const answer = await order(id, support, { reason: 'ticket 4711' });
    expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'accepted' }]);
    expect(await mailTo(service, email, 'reset-password')).toMatchObject({ validForSeconds: 86_400 });
    expect((await owner.call('GET', '/v1/users/me')).statusCode).toBe(200);
    await signIn(service, email);
    const action = 'user.password-reset-requested';
    expect(await AuditEvent.find({ 'target.id': id, action }).lean()).toMatchObject([
      { reason: 'ticket 4711', actor: { type: 'user' }, outcome: 'success' },
    ]);
    expect(outcome(await setPassword(await tokenFor(service, email, 'reset-password')))).toBe('204');
    expect((await owner.call('GET', '/v1/users/me')).statusCode).toBe(401);
  });

  it('lets an account that has no password choose one', async () => {
    const { id, email } = (await create({ email: freshEmail() })).json();
    expect(outcome(await order(id, admin))).toBe('202');
    expect(await mailsTo(service, email)).toEqual(['choose-password', 'choose-password']);
  });

  it('is for those who may, and for accounts that may sign in', async () => {
    const { id } = await verifiedAccount(service);
    expect(outcome(await order(id, await person(service)))).toBe('403 forbidden');
    await User.updateOne({ _id: id }, { $set: { status: 'suspended' } });
    expect(outcome(await order(id, admin))).toBe('409 invalid-status');
    expect(outcome(await order('0'.repeat(24), admin))).toBe('404 not-found');
  });

  it('does not fill a mailbox', async () => {
    const { id } = await verifiedAccount(service);
    const answers: string[] = [];
    for (let n = 0; n < 4; n++) answers.push(outcome(await order(id, admin)));
    expect(answers).toEqual(['202', '202', '202', '429 rate-limited']);
  });
});

describe('/v1/admin/users/:id/sessions', () => {
  it('lists the live sessions of an account, newest first, page by page', async () => {
    const ada = await person(service);
    const phone = await signIn(service, ada.email);
    const url = `/v1/admin/users/${ada.id}/sessions`;
    const page = (await support.call('GET', `${url}?limit=1`)).json();
    expect(page.items).toMatchObject([{ id: phone.sessionId, current: false }]);
    const rest = (await support.call('GET', `${url}?limit=1&cursor=${page.nextCursor}`)).json();
    expect(rest).toMatchObject({ items: [{ id: ada.sessionId }], nextCursor: null });
    const foreign = `/v1/admin/users/${admin.id}/sessions?cursor=${page.nextCursor}`;
    expect(outcome(await support.call('GET', foreign))).toBe('400 invalid-cursor');
    expect(outcome(await ada.call('GET', url))).toBe('403 forbidden');
  });

  it('ends them all, with an audit event', async () => {
    const ada = await person(service);
    expect(outcome(await support.call('DELETE', `/v1/admin/users/${ada.id}/sessions`))).toBe('204');
    expect(outcome(await ada.call('GET', '/v1/users/me'))).toBe('401 invalid-token');
    expect(await Session.countDocuments({ userId: ada.id })).toBe(0);
    expect(await AuditEvent.find({ 'target.id': ada.id, action: 'session.ended' }).lean()).toMatchObject([
      { actor: { type: 'user' }, target: { collection: 'users' } },
    ]);
    await signIn(service, ada.email);
  });
});
