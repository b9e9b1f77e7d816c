import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Identity } from '../../src/models/identity.ts';
import { mailOf, Outbox } from '../../src/models/outbox.ts';
import { User } from '../../src/models/user.ts';
import type { TestApp } from '../helpers/app.ts';
import {
  authorizeUrl,
  CLIENT,
  exchange,
  type IdentityService,
  newVerifier,
  RETURN_TO,
  signInAs,
  startIdentityService,
  startLocalProvider,
} from '../helpers/identities.ts';
import type { OidcStandIn } from '../helpers/oidc-provider.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, person, whoAmI } from '../helpers/people.ts';
import { Visitor } from '../helpers/visitor.ts';

let running: IdentityService;
let service: TestApp;
let idp: OidcStandIn;
beforeAll(async () => {
  running = await startIdentityService({
    others: [{ id: 'other', issuer: 'https://id.example.net', clientId: 'x' }],
  });
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
  idp.people.set(ada, { email, email_verified: true, given_name: 'Ada', family_name: 'Lovelace' });
});

const mails = async (to: string) => {
  const all = (await Outbox.find().lean()).map((record) => mailOf(service.deps.keyring, record));
  return all.filter((mail) => mail.to === to);
};
const actions = async (id: string) =>
  (await AuditEvent.find({ 'target.id': id }).sort({ _id: 1 }).lean()).map(({ action, actor, outcome: how, changes }) =>
    [action, actor.type, how, ...(changes ?? [])].join(' '),
  );

it('lists the providers by id and name, and nothing else of them', async () => {
  const response = await call(service, 'GET', '/v1/identities');
  expect(response.json()).toEqual({
    items: [
      { id: 'local', name: 'Local ID' },
      { id: 'other', name: 'other' },
    ],
  });
});

describe('signing in', () => {
  it('makes an account at first, and opens the same one from then on', async () => {
    const first = await signInAs(service, ada);
    expect(first.statusCode).toBe(201);
    const { user, session } = first.json();
    expect(user).toMatchObject({ email, emailVerified: true, firstName: 'Ada', lastName: 'Lovelace', roles: ['user'] });
    expect(session.authenticationMethods).toEqual(['fed']);
    expect(first.headers.location).toBe(`/v1/sessions/${session.id}`);
    expect((await whoAmI(service, first.json().accessToken)).json().id).toBe(user.id);
    expect(await actions(user.id)).toEqual([
      'user.created anonymous success',
      'identity.linked user success identities.local',
      'session.created user success',
    ]);
    expect(await mails(email)).toMatchObject([{ template: 'identity-linked', data: { provider: 'Local ID' } }]);

    const second = await signInAs(service, ada);
    expect(second.json().user.id).toBe(user.id);
    expect(await Identity.countDocuments({ userId: user.id })).toBe(1);
    expect(await mails(email)).toHaveLength(1);
  });

  it('goes by the subject, and notes the email that the provider tells now', async () => {
    const { user } = (await signInAs(service, ada)).json();
    const before = await Identity.findOne({ userId: user.id }).lean();
    const moved = freshEmail('moved');
    idp.people.set(ada, { email: moved, email_verified: true });
    expect((await signInAs(service, ada)).json().user).toMatchObject({ id: user.id, email });
    const after = await Identity.findOne({ userId: user.id }).lean();
    expect(after).toMatchObject({ email: moved, createdAt: before?.createdAt });
    expect(after?.lastUsedAt.getTime()).toBeGreaterThan(before?.lastUsedAt.getTime() ?? Number.POSITIVE_INFINITY);
  });

  it('without a page to return to, the callback answers as any sign-in does', async () => {
    const { response } = await new Visitor(service, ada).visit('/v1/identities/local/authorize');
    expect(response?.statusCode).toBe(201);
    expect(response?.json()).toMatchObject({ user: { email }, accessToken: expect.any(String) });
  });

  it('returns to the page of the client, which exchanges the code once', async () => {
    const verifier = newVerifier();
    const page = await new Visitor(service, ada).visit(authorizeUrl({ verifier }));
    expect(page.url.href).toBe(`${RETURN_TO}#code=${page.fragment.get('code')}`);
    expect(outcome(await exchange(service, page, verifier))).toBe('201');
    expect(outcome(await exchange(service, page, verifier))).toBe('401 invalid-code');
  });

  it('keeps the session in cookies where the client asks for that', async () => {
    const verifier = newVerifier();
    const { fragment } = await new Visitor(service, ada).visit(authorizeUrl({ verifier }));
    const body = { code: fragment.get('code'), codeVerifier: verifier, transport: 'cookie' };
    const from = (origin: string) => call(service, 'POST', '/v1/sessions/identity', body, { headers: { origin } });
    expect(outcome(await from('https://evil.example'))).toBe('403 foreign-origin');
    const answer = await from(CLIENT);
    expect(answer.statusCode).toBe(201);
    expect(answer.cookies.map(({ name }) => name)).toEqual(['__Host-roster-access', '__Host-roster-refresh']);
    expect(answer.json()).not.toHaveProperty('accessToken');
  });

  it('asks the mailbox of an unverified account whether it is its owner’s', async () => {
    idp.people.set(ada, { email });
    expect((await signInAs(service, ada)).json().user.emailVerified).toBe(false);
    expect((await mails(email)).map(({ template }) => template)).toEqual(['verify-email', 'identity-linked']);
  });

  it('may be under way in two tabs', async () => {
    const browser = new Visitor(service, ada);
    const atProvider = (url: URL) => url.origin === new URL(idp.issuer).origin;
    const [first, second] = [newVerifier(), newVerifier()];
    const here = await browser.visit(authorizeUrl({ verifier: first }), atProvider);
    const there = await browser.visit(authorizeUrl({ verifier: second }), atProvider);
    expect(outcome(await exchange(service, await browser.visit(there.url.href), second))).toBe('201');
    expect(outcome(await exchange(service, await browser.visit(here.url.href), first))).toBe('201');
  });

  it('takes no part of a name that no account may have, and goes on without a picture that is none', async () => {
    idp.people.set(ada, {
      email,
      given_name: '<b>Ada</b> \u202E',
      family_name: 'x'.repeat(150),
      picture: 'javascript:alert(1)',
    });
    const { user } = (await signInAs(service, ada)).json();
    expect(user).toMatchObject({ firstName: 'Ada', emailVerified: false });
    expect(user).not.toHaveProperty('lastName');
    expect(user).not.toHaveProperty('avatarUrl');
  });

  it.each([[{}], [{ email: 'no address', email_verified: true }], [{ email: ['a@example.com'] }]])(
    'needs an email for a new account: %j',
    async (claims) => {
      idp.people.set(ada, claims);
      expect(outcome(await signInAs(service, ada))).toBe('422 email-required');
      expect(await Identity.countDocuments({ subject: ada })).toBe(0);
    },
  );

  it('keeps tokens of the provider only where the configuration asks for it, encrypted', async () => {
    await signInAs(service, ada);
    expect(await Identity.findOne({ subject: ada }).lean()).not.toHaveProperty('tokens');
    const keeping = await instanceWith({ keepTokens: true });
    await signInAs(keeping, ada);
    const { _id, tokens = '' } = (await Identity.findOne({ subject: ada }).lean()) ?? {};
    expect(tokens).toMatch(/^v1\./);
    const place = { collection: 'identities', record: String(_id), field: 'tokens' };
    expect(JSON.parse(service.deps.keyring.decrypt(tokens ?? '', place).toString())).toEqual({
      accessToken: expect.any(String),
      scope: 'openid email profile',
      expiresAt: expect.stringMatching(/Z$/),
    });
  });
});

/** Another instance, whose entry of the same provider differs. */
const instanceWith = (settings: object) =>
  service.another({
    IDENTITY_PROVIDERS: JSON.stringify([{ ...service.config.IDENTITY_PROVIDERS[0], ...settings }]),
  });

describe('a person who', () => {
  it('would rather not sign in at the provider comes back without a code', async () => {
    const { url } = await new Visitor(service, 'nobody').visit(authorizeUrl());
    expect(url.href).toBe(`${RETURN_TO}#error=identity-denied`);
    const { response } = await new Visitor(service, 'nobody').visit('/v1/identities/local/authorize');
    expect([response?.statusCode, response?.json().code]).toEqual([401, 'identity-denied']);
    expect(response?.body).not.toContain('rather not');
  });

  it('has a second factor is asked for it', async () => {
    const { user } = (await signInAs(service, ada)).json();
    await User.updateOne({ _id: user.id }, { $set: { secondFactors: ['totp'] } });
    const answer = await signInAs(service, ada);
    expect([answer.statusCode, answer.json()]).toMatchObject([
      401,
      { code: 'mfa-required', challenge: expect.any(String), methods: ['totp', 'recovery-code'] },
    ]);
    const { response } = await new Visitor(service, ada).visit('/v1/identities/local/authorize');
    expect(response?.json()).toMatchObject({ code: 'mfa-required', challenge: expect.any(String) });
  });

  it('is inactive wakes up by it', async () => {
    const { user } = (await signInAs(service, ada)).json();
    await User.updateOne({ _id: user.id }, { $set: { status: 'inactive' } });
    expect((await signInAs(service, ada)).json().user.status).toBe('active');
  });
});

describe('a provider that is not there', () => {
  it('stops nothing from starting, and answers 503', async () => {
    const gone = await startLocalProvider();
    await gone.close();
    const other = await instanceWith({ issuer: gone.issuer });
    const response = await call(other, 'GET', '/v1/identities/local/authorize');
    expect([response.statusCode, response.json().code]).toEqual([503, 'provider-unavailable']);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    const told = other.logged().find(({ msg }) => msg === 'an identity provider was of no use');
    expect(told?.['err']).toMatchObject({ message: 'local: discovery: ECONNREFUSED' });
    expect((await call(other, 'GET', '/readyz')).statusCode).toBe(200);
  });

  it('for one moment is asked again at once, and no longer than it has to be', async () => {
    const shaky = await startLocalProvider();
    const other = await instanceWith({ issuer: shaky.issuer });
    shaky.failures = 1;
    expect((await call(other, 'GET', '/v1/identities/local/authorize')).statusCode).toBe(302);
    expect((await call(other, 'GET', '/v1/identities/local/authorize')).statusCode).toBe(302);
    expect(shaky.requests).toHaveLength(2);
    await shaky.close();
  });

  it('for longer is asked again by whoever comes next', async () => {
    const shaky = await startLocalProvider();
    const other = await instanceWith({ issuer: shaky.issuer });
    shaky.failures = 2;
    expect((await call(other, 'GET', '/v1/identities/local/authorize')).statusCode).toBe(503);
    expect((await call(other, 'GET', '/v1/identities/local/authorize')).statusCode).toBe(302);
    await shaky.close();
  });

  it('in the middle of a sign-in sends the person back with an error', async () => {
    const leaving = await startLocalProvider();
    leaving.people.set(ada, { email });
    const other = await instanceWith({ issuer: leaving.issuer });
    const browser = new Visitor(other, ada);
    const { url } = await browser.visit(authorizeUrl(), ({ pathname }) => pathname.endsWith('/callback'));
    await leaving.close();
    expect((await browser.visit(url.href)).url.href).toBe(`${RETURN_TO}#error=provider-unavailable`);
    expect(await User.countDocuments({ email })).toBe(0);
  });

  it('is 404 where the configuration names none', async () => {
    for (const way of ['authorize', 'callback?state=x'])
      expect(outcome(await call(service, 'GET', `/v1/identities/nobody/${way}`))).toBe('404 not-found');
    const owner = await person(service);
    const begun = await owner.call('POST', '/v1/users/me/identities/nobody/authorize', { redirectTo: CLIENT });
    expect(outcome(begun)).toBe('404 not-found');
  });
});
