import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { relationsTo } from '../../src/models/relations.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { enrolTotp } from '../helpers/factors.ts';
import { mailsTo, mailTo } from '../helpers/mailed.ts';
import { inParallel, outcome } from '../helpers/parallel.ts';
import { age, call, person, refresh, signIn } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
});
afterAll(() => here.close());

const reason = { reason: 'spam from 198.51.100.7, says Grace' };

describe('deactivating the own account', () => {
  it('signs out everywhere at once, mails the owner, and is over when somebody signs in', async () => {
    const ada = await person(here);
    const phone = await signIn(there, ada.email);
    expect(outcome(await ada.call('POST', '/v1/users/me/deactivate'))).toBe('204');
    expect((await User.findById(ada.id).lean())?.status).toBe('inactive');
    for (const { accessToken, refreshToken } of [ada, phone]) {
      const headers = { authorization: `Bearer ${accessToken}` };
      expect(outcome(await call(there, 'GET', '/v1/users/me', undefined, { headers }))).toBe('401 invalid-token');
      expect(outcome(await refresh(here, refreshToken))).toBe('401 invalid-token');
    }
    expect((await mailsTo(here, ada.email)).at(-1)).toBe('account-deactivated');
    const back = await signIn(here, ada.email);
    expect((await back.call('GET', '/v1/users/me')).json()).toMatchObject({ status: 'active' });
  });

  it('many times at once is done once', async () => {
    const ada = await person(here);
    const answers = await inParallel([here, there], 6, (on) =>
      ada.call('POST', '/v1/users/me/deactivate', undefined, { on }),
    );
    const outcomes = answers.map(outcome);
    expect(outcomes.filter((each) => each === '204')).toHaveLength(1);
    expect(outcomes.filter((each) => each !== '204' && each !== '401 invalid-token')).toEqual([]);
    expect(await AuditEvent.countDocuments({ action: 'user.deactivated', 'target.id': ada.id })).toBe(1);
  });

  it('asks for a recent sign-in', async () => {
    const ada = await person(here);
    await age(ada.sessionId, 11);
    expect(outcome(await ada.call('POST', '/v1/users/me/deactivate'))).toBe('403 reauthentication-required');
  });
});

describe('what an admin does to an account', () => {
  it('is told to its owner by mail, and neither who did it nor why', async () => {
    const admin = await person(here, { roles: ['user', 'admin'] });
    const ada = await person(here);
    const url = `/v1/admin/users/${ada.id}`;
    await admin.call('POST', `${url}/suspend`, reason);
    await admin.call('POST', `${url}/reactivate`, reason);
    await admin.call('DELETE', url);
    await admin.call('POST', `${url}/restore`, reason);
    const steps = ['account-suspended', 'account-reactivated', 'account-deleted', 'account-restored'] as const;
    expect((await mailsTo(here, ada.email)).slice(-4)).toEqual(steps);
    for (const template of steps) {
      const data = await mailTo(here, ada.email, template);
      expect(Object.keys(data).sort()).toEqual(template === 'account-deleted' ? ['at', 'days'] : ['at']);
    }
  });

  it('that is refused mails nobody', async () => {
    const admin = await person(here, { roles: ['user', 'admin'] });
    const ada = await person(here);
    const before = await mailsTo(here, ada.email);
    expect(outcome(await admin.call('POST', `/v1/admin/users/${ada.id}/restore`, reason))).toBe('409 invalid-status');
    expect(await mailsTo(here, ada.email)).toEqual(before);
  });
});

describe('the export of the own data', () => {
  it('has all that is kept of the account, and no secret', async () => {
    const ada = await person(here);
    await enrolTotp(ada);
    await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada', metadata: { plan: 'pro' } });
    const other = await person(here);
    const response = await ada.call('GET', '/v1/users/me/export');
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': 'attachment; filename="account.json"',
      'cache-control': 'no-store',
    });
    const archive = response.json();
    expect(archive).toMatchObject({ format: 'roster-person/1', exportedAt: expect.any(String) });
    expect(archive.users).toEqual([
      expect.objectContaining({ id: ada.id, email: ada.email, firstName: 'Ada', metadata: { plan: 'pro' } }),
    ]);
    expect(archive.sessions).toEqual([expect.objectContaining({ id: ada.sessionId, userAgent: 'lightMyRequest' })]);
    expect(archive.credentials.filter(({ type }: { type: string }) => type === 'totp')).toHaveLength(1);
    for (const { child } of relationsTo('User')) expect(archive).toHaveProperty(child.collection.collectionName);
    expect(response.body).not.toMatch(/passwordHash|\$argon2|refreshTokenHash|"seed"|"secret"|"hash"|v1\.[\w-]+\./);
    expect(response.body).not.toContain(other.email);
    expect(await AuditEvent.countDocuments({ action: 'user.exported', 'target.id': ada.id })).toBe(1);
  });

  it('is limited', async () => {
    const strict = await here.another({ RATE_LIMIT_MULTIPLIER: '1' });
    const ada = await person(here);
    const ask = () => ada.call('GET', '/v1/users/me/export', undefined, { on: strict });
    for (let n = 0; n < 10; n += 1) expect(outcome(await ask())).toBe('200');
    expect(outcome(await ask())).toBe('429 rate-limited');
  });

  it('is for the account itself, after a recent sign-in', async () => {
    const ada = await person(here);
    await age(ada.sessionId, 11);
    expect(outcome(await ada.call('GET', '/v1/users/me/export'))).toBe('403 reauthentication-required');
    expect(outcome(await call(here, 'GET', '/v1/users/me/export'))).toBe('401 unauthenticated');
  });
});
