// M6: a stolen session that makes itself at home. Elsewhere it could add a passkey of the thief's or remove the owner's
// second factor, and nobody heard of it. Here adding and removing needs a recent proof of who one is, by the second
// factor where there is one, and the owner is told by mail.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { codeOf, Device, enrolPasskey, enrolTotp } from '../helpers/factors.ts';
import { lastMailFor, mailFor } from '../helpers/mail.ts';
import { outcome } from '../helpers/parallel.ts';
import { age, dump, PASSWORD, type Person, person } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());
beforeEach(async () => {
  ada = await person(service);
});

const ROUTES = [
  ['POST', '/v1/users/me/factors/totp'],
  ['POST', '/v1/users/me/factors/totp/confirm', { code: '123456' }],
  ['DELETE', '/v1/users/me/factors/totp'],
  ['POST', '/v1/users/me/factors/recovery-codes'],
  ['POST', '/v1/users/me/passkeys/options'],
  ['DELETE', '/v1/users/me/passkeys/000000000000000000000000'],
] as const;

const reauthenticate = (body: unknown) => ada.call('POST', '/v1/reauthentication', body);

describe('a session that was proven more than ten minutes ago', () => {
  it.each(ROUTES)('is refused by %s %s', async (method, url, body?: object) => {
    await age(ada.sessionId, 11);
    // The denial itself is recorded.
    const stored = () => dump({ except: ['rate_limits', 'audit_events', 'journal'] });
    const before = await stored();
    expect(outcome(await ada.call(method, url, body))).toBe('403 reauthentication-required');
    expect(await stored()).toBe(before);
  });

  it('is refused a passkey whose options it asked for in time', async () => {
    const device = new Device();
    const options = (await ada.call('POST', '/v1/users/me/passkeys/options')).json();
    await age(ada.sessionId, 11);
    const late = await ada.call('POST', '/v1/users/me/passkeys', { credential: device.create(options) });
    expect(outcome(late)).toBe('403 reauthentication-required');
  });

  it('may again once it has proven who uses it, for ten minutes', async () => {
    await age(ada.sessionId, 11);
    const proven = await reauthenticate({ password: PASSWORD });
    expect(outcome(proven)).toBe('200');
    expect(Date.parse(proven.json().recentUntil) - Date.now()).toBe(600_000);
    expect(outcome(await ada.call('POST', '/v1/users/me/factors/totp'))).toBe('201');
    await age(ada.sessionId, 10.01);
    expect(outcome(await ada.call('POST', '/v1/users/me/factors/totp'))).toBe('403 reauthentication-required');
  });
});

describe('with a second factor', () => {
  it('the password proves too little', async () => {
    await enrolTotp(ada);
    await age(ada.sessionId, 11);
    expect(outcome(await reauthenticate({ password: PASSWORD }))).toBe('403 second-factor-required');
    expect(outcome(await ada.call('DELETE', '/v1/users/me/factors/totp'))).toBe('403 reauthentication-required');
  });

  it('a code of it is enough, and so is a recovery code', async () => {
    const { secret, recoveryCodes } = await enrolTotp(ada);
    await age(ada.sessionId, 11);
    expect(outcome(await reauthenticate({ method: 'recovery-code', code: recoveryCodes[0] }))).toBe('200');
    expect(outcome(await ada.call('POST', '/v1/users/me/factors/recovery-codes'))).toBe('201');
    await age(ada.sessionId, 11);
    expect(outcome(await reauthenticate({ method: 'totp', code: codeOf(secret) }))).toBe('200');
    expect(outcome(await ada.call('DELETE', '/v1/users/me/factors/totp'))).toBe('204');
  });

  it('a session that was proven without takes nothing away, however recent', async () => {
    const { secret } = await enrolTotp(ada);
    await Session.updateOne({ _id: ada.sessionId }, { $set: { authenticationMethods: ['pwd'] } });
    for (const [method, url, body] of ROUTES.filter(([, url]) => !url.includes('options')))
      expect(outcome(await ada.call(method, url, body)), url).toBe('403 reauthentication-required');
    expect(outcome(await reauthenticate({ method: 'totp', code: codeOf(secret) }))).toBe('200');
    expect(outcome(await ada.call('DELETE', '/v1/users/me/factors/totp'))).toBe('204');
  });
});

describe('the owner', () => {
  const news = async () =>
    (await mailFor(service.deps.keyring, ada.email)).flatMap((mail) =>
      mail.template === 'factor-added' || mail.template === 'factor-removed'
        ? [[mail.template, mail.data.factor, mail.data.name]]
        : [],
    );
  const events = async () =>
    (
      await AuditEvent.find({ 'target.id': ada.id, action: /^factor\.(added|removed|renamed)$/ })
        .sort({ _id: 1 })
        .lean()
    ).map(({ action, actor, changes }) => [action, String(actor.id), changes?.[0]?.replace(/\.[0-9a-f]{24}/, '.id')]);

  it('hears of each factor that comes or goes, by mail and in the audit trail', async () => {
    await enrolTotp(ada);
    await ada.call('POST', '/v1/users/me/factors/recovery-codes');
    const added = await enrolPasskey(ada, new Device(), 'My telephone');
    const url = `/v1/users/me/passkeys/${added.json().passkey.id}`;
    await ada.call('PATCH', url, { name: 'Old telephone' });
    await ada.call('DELETE', url);
    await ada.call('DELETE', '/v1/users/me/factors/totp');
    expect(await news()).toEqual([
      ['factor-added', 'totp', undefined],
      ['factor-added', 'recovery-codes', undefined],
      ['factor-added', 'passkey', 'My telephone'],
      ['factor-removed', 'passkey', 'Old telephone'],
      ['factor-removed', 'totp', undefined],
    ]);
    expect(await events()).toEqual([
      ['factor.added', ada.id, 'totp'],
      ['factor.added', ada.id, 'recoveryCodes'],
      ['factor.added', ada.id, 'passkeys.id'],
      ['factor.renamed', ada.id, 'passkeys.id.name'],
      ['factor.removed', ada.id, 'passkeys.id'],
      ['factor.removed', ada.id, 'totp'],
    ]);
  });

  it('hears when and from where, and of nothing that did not happen', async () => {
    await ada.call('POST', '/v1/users/me/factors/totp');
    await ada.call('POST', '/v1/users/me/factors/totp/confirm', { code: 'no code' });
    await ada.call('DELETE', '/v1/users/me/factors/totp');
    expect(await news()).toEqual([]);
    await enrolTotp(ada);
    const mail = await lastMailFor(service.deps.keyring, ada.email, 'factor-added');
    expect(mail.data).toMatchObject({ at: new Date().toISOString(), ip: '127.0.0.1' });
  });

  it('hears of a recovery code that was used, and how many are left', async () => {
    const { recoveryCodes } = await enrolTotp(ada);
    await reauthenticate({ method: 'recovery-code', code: recoveryCodes[0] });
    await reauthenticate({ method: 'recovery-code', code: recoveryCodes[0] });
    const mails = await mailFor(service.deps.keyring, ada.email);
    const used = mails.filter(({ template }) => template === 'recovery-code-used');
    expect(used.map(({ data }) => data)).toEqual([expect.objectContaining({ left: 9, ip: '127.0.0.1' })]);
  });
});
