import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Identity } from '../../src/models/identity.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { CLIENT, CLIENT_SECRET, signInAs, signInAt } from '../helpers/identities.ts';
import { outcome } from '../helpers/parallel.ts';
import { freshEmail, person } from '../helpers/people.ts';
import { type Presets, startPresets, TENANT } from '../helpers/presets.ts';
import { useDetours } from '../helpers/reroute.ts';
import { Visitor } from '../helpers/visitor.ts';

// Each preset runs as it stands, with the provider's own addresses, against a server on this machine that speaks as
// the provider's documentation says it does. None of them has run against the provider itself.

useDetours();

let presets: Presets;
let service: TestApp;
/** Another instance, whose entries have these settings besides. */
const withSettings = (settings: object): Promise<TestApp> =>
  service.another({
    IDENTITY_PROVIDERS: JSON.stringify(Object.values(presets.entries).map((each) => ({ ...each, ...settings }))),
  });

beforeAll(async () => {
  presets = await startPresets();
  service = await buildTestApp({
    CORS_ORIGINS: CLIENT,
    IDENTITY_PROVIDERS: JSON.stringify(Object.values(presets.entries)),
  });
});
afterAll(async () => {
  await service.close();
  await presets.close();
});

let count = 0;
const newcomer = (): string => `newcomer-${++count}`;

it('each is called what people call it', async () => {
  const { items } = (await service.app.inject('/v1/identities')).json();
  expect(items.map(({ name }: { name: string }) => name)).toEqual(['Google', 'Microsoft', 'Apple', 'GitHub']);
});

describe('Google', () => {
  const emailVerified = async (claims: object) => {
    const who = newcomer();
    presets.google.people.set(who, { email: freshEmail(), given_name: 'Ada', family_name: 'Lovelace', ...claims });
    const answer = await signInAs(service, who, { provider: 'google' });
    expect(answer.json().user).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace' });
    return answer.json().user.emailVerified;
  };

  it('is believed about mailboxes that it hosts', async () => {
    const gmail = `ada.${process.pid}@gmail.com`;
    expect(await emailVerified({ email: gmail, email_verified: true })).toBe(true);
    expect(await emailVerified({ email_verified: true, hd: 'example.com' })).toBe(true);
  });

  it('is not believed about any other, however verified it once was', async () => {
    expect(await emailVerified({ email_verified: true })).toBe(false);
    expect(await emailVerified({ email_verified: false, hd: 'example.com' })).toBe(false);
    expect(await emailVerified({ email: `eve.${process.pid}@gmail.com.example.com`, email_verified: true })).toBe(
      false,
    );
  });
});

describe('Microsoft', () => {
  it('serves people of every tenant, each known by tenant and subject', async () => {
    const who = newcomer();
    const email = freshEmail();
    presets.microsoft.people.set(who, { email, tid: TENANT, name: 'Ada Lovelace' });
    const answer = await signInAs(service, who, { provider: 'microsoft' });
    expect(answer.json().user).toMatchObject({ email, firstName: 'Ada Lovelace', emailVerified: false });
    expect(await Identity.findOne({ email }).lean()).toMatchObject({ subject: `${TENANT}.${who}` });
  });

  it('is not believed in what tenant its token is when its issuer says another one', async () => {
    const who = newcomer();
    presets.microsoft.people.set(who, { email: freshEmail(), tid: 'f8cdef31-a31e-4b4a-93e4-5f571e91255a' });
    const { url } = await new Visitor(service, who).visit(
      `/v1/identities/microsoft/authorize?redirectTo=${CLIENT}&codeChallenge=${'A'.repeat(43)}`,
    );
    expect(url.hash).toBe('#error=identity-unproven');
  });

  it('is believed about no email, unless the configuration says so and the token vouches for the domain', async () => {
    const trusting = await withSettings({ trustEmail: true });
    for (const [claims, instance, verified] of [
      [{ email_verified: true }, service, false],
      [{ xms_edov: true }, service, false],
      [{ email_verified: true }, trusting, false],
      [{ xms_edov: false }, trusting, false],
      [{ xms_edov: '0' }, trusting, false],
      [{ xms_edov: true }, trusting, true],
      [{ xms_edov: '1' }, trusting, true],
    ] as const) {
      const who = newcomer();
      presets.microsoft.people.set(who, { email: freshEmail(), tid: TENANT, ...claims });
      const { user } = (await signInAs(instance, who, { provider: 'microsoft' })).json();
      expect(user.emailVerified, JSON.stringify(claims)).toBe(verified);
    }
  });

  it('takes over no account whose email a tenant has written into its directory', async () => {
    const victim = await person(service);
    await User.updateOne({ _id: victim.id }, { $set: { emailVerified: true } });
    const who = newcomer();
    presets.microsoft.people.set(who, { email: victim.email, email_verified: true, tid: TENANT });
    expect(outcome(await signInAs(service, who, { provider: 'microsoft' }))).toBe('409 link-required');
  });
});

describe('Apple', () => {
  const user = JSON.stringify({ name: { firstName: 'Ada', lastName: 'Lovelace' }, email: 'somebody.else@example.com' });

  it('answers by a form from its own site, with the name the first time only', async () => {
    const who = newcomer();
    const email = freshEmail();
    presets.apple.people.set(who, { email, email_verified: 'true' });
    const browser = new Visitor(service, who);
    browser.formFields['user'] = user;
    const first = (await signInAt(service, browser, { provider: 'apple' })).json();
    expect(first.user).toMatchObject({ email, emailVerified: true, firstName: 'Ada', lastName: 'Lovelace' });
    delete browser.formFields['user'];
    const second = (await signInAt(service, browser, { provider: 'apple' })).json();
    expect(second.user).toMatchObject({ id: first.user.id, firstName: 'Ada' });
  });

  it.each(['', 'no JSON', '[]', '{"name":{"firstName":{"$ne":1}}}', '{"name":null}', 'null'])(
    'signs in whatever the form says for a name: %s',
    async (name) => {
      const who = newcomer();
      presets.apple.people.set(who, { email: freshEmail(), email_verified: true });
      const browser = new Visitor(service, who);
      browser.formFields['user'] = name;
      const answer = await signInAt(service, browser, { provider: 'apple' });
      expect(answer.statusCode).toBe(201);
      expect(answer.json().user).not.toHaveProperty('firstName');
    },
  );

  it('gets a secret made for each request, good for five minutes', async () => {
    const who = newcomer();
    presets.apple.people.set(who, { email: freshEmail(), email_verified: true });
    const before = presets.appleSecrets.length;
    await signInAs(service, who, { provider: 'apple' });
    await signInAs(service, who, { provider: 'apple' });
    const secrets = presets.appleSecrets.slice(before);
    expect(new Set(secrets).size).toBe(2);
    for (const secret of secrets) {
      const { iat = 0, exp = 0 } = decodeJwt(secret);
      expect(exp - iat).toBe(300);
    }
  });
});

describe('GitHub', () => {
  const join = (login: string, emails: readonly object[] = [], more = {}) => {
    presets.github.people.set(login, { id: 5_000 + ++count, login, name: 'Ada Lovelace', email: null, ...more });
    presets.github.emails.set(login, emails as never);
  };

  it('tells who it is by a number, and the email that is primary and verified', async () => {
    const login = newcomer();
    const email = freshEmail();
    join(login, [
      { email: freshEmail(), primary: false, verified: true },
      { email, primary: true, verified: true },
    ]);
    const answer = await signInAs(service, login, { provider: 'github' });
    expect(answer.json().user).toMatchObject({ email, emailVerified: true, firstName: 'Ada Lovelace' });
    const { id } = presets.github.people.get(login) ?? {};
    expect(await Identity.findOne({ email }).lean()).toMatchObject({ subject: String(id) });
    expect((await signInAs(service, login, { provider: 'github' })).json().user.id).toBe(answer.json().user.id);
  });

  it('is not believed about an address that it has not verified, nor about the one shown in public', async () => {
    const victim = await person(service);
    const login = newcomer();
    join(login, [{ email: freshEmail(), primary: true, verified: false }], { email: victim.email });
    const { user } = (await signInAs(service, login, { provider: 'github' })).json();
    expect(user.emailVerified).toBe(false);
    expect(user.email).not.toBe(victim.email);
    const thief = newcomer();
    join(thief, [{ email: victim.email, primary: true, verified: false }]);
    expect(outcome(await signInAs(service, thief, { provider: 'github' }))).toBe('409 link-required');
  });

  it('tells no email where it may not', async () => {
    const login = newcomer();
    join(login, []);
    expect(outcome(await signInAs(service, login, { provider: 'github' }))).toBe('422 email-required');
    const shy = await withSettings({ scopes: ['read:user'] });
    const { url } = await new Visitor(shy, login).visit(
      `/v1/identities/github/authorize?redirectTo=${CLIENT}&codeChallenge=${'A'.repeat(43)}`,
    );
    expect(url.hash).toBe('#error=provider-unavailable');
  });

  it('of another installation is asked there', async () => {
    const { url } = presets.github;
    const endpoints = {
      authorizationEndpoint: `${url}/login/oauth/authorize`,
      tokenEndpoint: `${url}/login/oauth/access_token`,
      userinfoEndpoint: `${url}/user`,
    };
    const other = await service.another({
      IDENTITY_PROVIDERS: JSON.stringify([{ ...presets.entries['github'], ...endpoints }]),
    });
    const login = newcomer();
    join(login, [{ email: freshEmail(), primary: true, verified: true }]);
    expect((await signInAs(other, login, { provider: 'github' })).statusCode).toBe(201);
  });
});

it('plain OAuth 2 takes who it is from the profile', async () => {
  const { url } = presets.github;
  const other = await service.another({
    IDENTITY_PROVIDERS: JSON.stringify([
      {
        id: 'plain',
        clientId: 'client-of-github',
        clientSecret: CLIENT_SECRET,
        tokenEndpointAuthMethod: 'client_secret_post',
        authorizationEndpoint: `${url}/login/oauth/authorize`,
        tokenEndpoint: `${url}/login/oauth/access_token`,
        userinfoEndpoint: `${url}/user`,
      },
    ]),
  });
  const email = freshEmail();
  presets.github.people.set('plain', { id: 1, email, email_verified: true });
  const { user } = (await signInAs(other, 'plain', { provider: 'plain' })).json();
  expect(user).toMatchObject({ email, emailVerified: true });
  expect(await Identity.findOne({ email }).lean()).toMatchObject({ provider: 'plain', subject: '1' });
});
