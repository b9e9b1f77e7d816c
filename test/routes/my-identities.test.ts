import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Identity } from '../../src/models/identity.ts';
import { findToken } from '../../src/models/one-time-token.ts';
import { mailOf, Outbox } from '../../src/models/outbox.ts';
import { User } from '../../src/models/user.ts';
import type { TestApp } from '../helpers/app.ts';
import { type IdentityService, linkTo, RETURN_TO, signInAs, startIdentityService } from '../helpers/identities.ts';
import type { OidcStandIn } from '../helpers/oidc-provider.ts';
import { outcome } from '../helpers/parallel.ts';
import { age, call, freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';
import { Visitor } from '../helpers/visitor.ts';

let running: IdentityService;
let service: TestApp;
let idp: OidcStandIn;
beforeAll(async () => {
  running = await startIdentityService();
  ({ service, idp } = running);
});
afterAll(() => running.close());

let sub = 0;
let ada: string;
let email: string;
/** Somebody new at the provider. */
beforeEach(() => {
  sub += 1;
  ada = `ada-${sub}`;
  email = freshEmail('ada');
  idp.people.set(ada, { email, email_verified: true });
});

const mails = async (to: string) => {
  const all = (await Outbox.find().lean()).map((record) => mailOf(service.deps.keyring, record));
  return all.filter((mail) => mail.to === to && mail.template.startsWith('identity-'));
};
const lastAction = async (id: string) => {
  const event = await AuditEvent.findOne({ 'target.id': id }).sort({ _id: -1 }).lean();
  return [event?.action, event?.actor.type, event?.outcome, ...(event?.changes ?? [])].join(' ');
};

describe('linking', () => {
  let owner: Person;
  beforeEach(async () => {
    owner = await person(service);
  });

  it('adds the identity to the account that asked, whatever email it has', async () => {
    const linked = await linkTo(service, owner, ada);
    expect(linked.statusCode).toBe(201);
    expect(linked.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      provider: 'local',
      name: 'Local ID',
      email,
      createdAt: expect.any(String),
      lastUsedAt: expect.any(String),
    });
    expect(linked.headers.location).toBe(`/v1/users/me/identities/${linked.json().id}`);
    expect((await owner.call('GET', '/v1/users/me/identities')).json()).toEqual({ items: [linked.json()] });
    expect(await lastAction(owner.id)).toBe('identity.linked user success identities.local');
    expect(await mails(owner.email)).toMatchObject([{ template: 'identity-linked' }]);
    expect((await signInAs(service, ada)).json().user).toMatchObject({ id: owner.id, email: owner.email });
    expect(await User.countDocuments({ email })).toBe(0);
  });

  it('twice is the same as once', async () => {
    const first = (await linkTo(service, owner, ada)).json();
    expect((await linkTo(service, owner, ada)).json()).toMatchObject({ id: first.id, createdAt: first.createdAt });
    expect(await mails(owner.email)).toHaveLength(1);
  });

  it('is refused where the identity belongs to somebody else', async () => {
    await signInAs(service, ada);
    expect(outcome(await linkTo(service, owner, ada))).toBe('409 identity-taken');
    expect((await owner.call('GET', '/v1/users/me/identities')).json().items).toEqual([]);
    expect(await mails(owner.email)).toEqual([]);
  });

  it('comes back without a code when the person would rather not', async () => {
    const begun = await owner.call('POST', '/v1/users/me/identities/local/authorize', { redirectTo: RETURN_TO });
    const { url } = await new Visitor(service, 'nobody').visit(begun.json().authorizationUrl);
    expect(url.href).toBe(`${RETURN_TO}#error=identity-denied`);
    expect(await lastAction(owner.id)).toBe('identity.linked anonymous failure');
  });

  it('needs a recent sign-in to begin with, and none to finish', async () => {
    const begun = await owner.call('POST', '/v1/users/me/identities/local/authorize', { redirectTo: RETURN_TO });
    await age(owner.sessionId, 11);
    const again = await owner.call('POST', '/v1/users/me/identities/local/authorize', { redirectTo: RETURN_TO });
    expect(outcome(again)).toBe('403 reauthentication-required');
    const { fragment } = await new Visitor(service, ada).visit(begun.json().authorizationUrl);
    const finished = await owner.call('POST', '/v1/users/me/identities', { code: fragment.get('code') });
    expect(outcome(finished)).toBe('201');
  });

  it('is refused in a session that was opened without the second factor of the account', async () => {
    await User.updateOne({ _id: owner.id }, { $set: { secondFactors: ['totp'] } });
    expect(outcome(await linkTo(service, owner, ada))).toBe('403 reauthentication-required');
  });
});

describe('unlinking', () => {
  it('ends sign-in by it, and tells the owner', async () => {
    const owner = await person(service);
    const { id } = (await linkTo(service, owner, ada)).json();
    const unlinked = await owner.call('DELETE', `/v1/users/me/identities/${id}`);
    expect([unlinked.statusCode, unlinked.body]).toEqual([204, '']);
    expect((await owner.call('GET', '/v1/users/me/identities')).json().items).toEqual([]);
    expect(await lastAction(owner.id)).toBe('identity.unlinked user success identities.local');
    expect((await mails(owner.email)).map(({ template }) => template)).toEqual([
      'identity-linked',
      'identity-unlinked',
    ]);
    expect((await signInAs(service, ada)).json().user.id).not.toBe(owner.id);
    expect(outcome(await owner.call('DELETE', `/v1/users/me/identities/${id}`))).toBe('404 not-found');
  });

  it('leaves the last way to sign in', async () => {
    const { accessToken } = (await signInAs(service, ada)).json();
    const headers = { authorization: `Bearer ${accessToken}` };
    const { items } = (await call(service, 'GET', '/v1/users/me/identities', undefined, { headers })).json();
    const url = `/v1/users/me/identities/${items[0].id}`;
    expect(outcome(await call(service, 'DELETE', url, undefined, { headers }))).toBe('409 last-credential');
    expect(await Identity.countDocuments({ subject: ada })).toBe(1);
    expect((await mails(email)).map(({ template }) => template)).toEqual(['identity-linked']);
    expect((await signInAs(service, ada)).statusCode).toBe(201);
  });

  it('needs a recent sign-in', async () => {
    const owner = await person(service);
    const { id } = (await linkTo(service, owner, ada)).json();
    await age(owner.sessionId, 11);
    expect(outcome(await owner.call('DELETE', `/v1/users/me/identities/${id}`))).toBe('403 reauthentication-required');
    expect(await Identity.countDocuments({ subject: ada })).toBe(1);
  });

  it('ends a sign-in that waits for its second factor', async () => {
    const owner = await person(service);
    const { id } = (await linkTo(service, owner, ada)).json();
    await User.updateOne({ _id: owner.id }, { $set: { secondFactors: ['totp'] } });
    const { challenge } = (await signInAs(service, ada)).json();
    expect(challenge).toEqual(expect.any(String));
    await User.updateOne({ _id: owner.id }, { $unset: { secondFactors: 1 } });
    await owner.call('DELETE', `/v1/users/me/identities/${id}`);
    expect(await findToken(service.deps.keyring, 'second-factor', challenge)).toBeNull();
  });
});

it('a password is still a way in for whoever has linked', async () => {
  const owner = await person(service);
  await linkTo(service, owner, ada);
  const response = await call(service, 'POST', '/v1/sessions', { email: owner.email, password: PASSWORD });
  expect(response.statusCode).toBe(201);
  expect((await signInAs(service, ada)).json().user.id).toBe(owner.id);
});
