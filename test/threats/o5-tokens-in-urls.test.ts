// O5: secrets that end up in places which are written down. Elsewhere access tokens stood in the URL that a browser was
// sent back to, and so in its history, in logs of proxies and in `Referer`; or an error of the provider was logged with
// the code and the client's secret in it. Here a URL holds a code for one exchange at the most, in its fragment, and no
// log line, audit event, stored document or error holds any secret of the flow.

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Identity } from '../../src/models/identity.ts';
import type { TestApp } from '../helpers/app.ts';
import { type ForgingProvider, honest, startForgingProvider } from '../helpers/forging-provider.ts';
import {
  authorizeUrl,
  CLIENT_SECRET,
  exchange,
  type IdentityService,
  linkTo,
  newVerifier,
  RETURN_TO,
  startIdentityService,
} from '../helpers/identities.ts';
import { dump, freshEmail, person } from '../helpers/people.ts';
import { Visitor } from '../helpers/visitor.ts';

let forger: ForgingProvider;
let running: IdentityService;
let service: TestApp;
/** Whatever was secret, by name. */
const secrets = new Map<string, string>([['the secret of the client', CLIENT_SECRET]]);
const said: string[] = [];

beforeAll(async () => {
  forger = await startForgingProvider(freshEmail('mallory'));
  running = await startIdentityService({
    settings: { keepTokens: true },
    others: [
      { id: 'forger', issuer: forger.issuer, clientId: 'roster', clientSecret: CLIENT_SECRET, keepTokens: true },
      { id: 'stranger', issuer: 'http://localhost:9', clientId: 'x', clientSecret: CLIENT_SECRET },
    ],
    overrides: { LOG_LEVEL: 'trace' },
  });
  ({ service } = running);
  secrets.set('the access token of the provider', 'an access token of the provider');
});
afterAll(async () => {
  await running.close();
  await forger.close();
});
beforeEach(() => {
  forger.forge = honest;
});

const remember = (name: string, value: string | null | undefined): void => {
  if (value) secrets.set(`${name} ${secrets.size}`, value);
};

/** Remembers what a browser carried in the parameters that are secrets. */
function rememberAll(browser: Visitor, fragment = new URLSearchParams()): void {
  for (const address of browser.history) {
    const { searchParams } = new URL(address);
    for (const name of ['state', 'code', 'nonce']) remember(name, searchParams.get(name));
  }
  remember('the code for the client', fragment.get('code'));
  remember('the cookie', browser.cookie('__Host-roster-identity'));
}

/** Signs in at the provider, whatever it says, and remembers every secret of it. */
async function signIn(provider: string, who: string): Promise<void> {
  const verifier = newVerifier();
  remember('the verifier of the client', verifier);
  const browser = new Visitor(service, who);
  const page = await browser.visit(authorizeUrl({ provider, verifier }));
  rememberAll(browser, page.fragment);
  if (page.response) said.push(page.response.body);
  if (!page.fragment.has('code')) return;
  for (const proof of [verifier, verifier]) {
    const answer = await exchange(service, page, proof);
    if (answer.statusCode >= 400) said.push(answer.body);
    else for (const name of ['accessToken', 'refreshToken']) remember(name, answer.json()[name]);
  }
}

it('a client’s page is sent a code in its fragment, and nothing else that opens anything', async () => {
  running.idp.people.set('ada', { email: freshEmail(), email_verified: true });
  const browser = new Visitor(service, 'ada');
  const { url } = await browser.visit(authorizeUrl());
  expect(url.href).toMatch(new RegExp(`^${RETURN_TO.replace('?', '\\?')}#code=[\\w-]{43}$`));
  for (const address of browser.history) {
    const { searchParams, hash } = new URL(address);
    expect(hash).toBe('');
    for (const name of ['access_token', 'id_token', 'refresh_token', 'code_verifier', 'client_secret', 'token'])
      expect(searchParams.has(name), address).toBe(false);
    expect(address).not.toMatch(/eyJ/);
  }
});

it('no page that a browser passes through tells the next one where it came from', async () => {
  for (const url of ['/v1/identities/local/authorize', '/v1/identities/local/callback?state=x']) {
    const { headers } = await service.app.inject(url);
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cache-control']).toBe('no-store');
  }
});

it('no secret of a sign-in, right or wrong, is in the log, the database or an error', async () => {
  running.idp.people.set('bob', { email: freshEmail(), email_verified: true });
  await signIn('local', 'bob');
  await signIn('local', 'nobody');
  await signIn('forger', 'mallory');
  forger.forge = (claims, sign) => sign({ ...claims, nonce: 'another' });
  await signIn('forger', 'mallory');
  forger.forge = () => 'not.a.token';
  await signIn('forger', 'mallory');
  await signIn('stranger', 'bob');
  await linkTo(service, await person(service), 'bob');
  const browser = new Visitor(service, 'bob');
  const { response } = await browser.visit('/v1/identities/local/authorize');
  rememberAll(browser);
  for (const name of ['accessToken', 'refreshToken']) remember(name, response?.json()[name]);
  for (const { verifier } of forger.verifiers) remember('a verifier of PKCE', verifier);

  expect(secrets.size).toBeGreaterThan(30);
  expect(said.length).toBeGreaterThan(0);
  expect((await Identity.findOne({ provider: 'forger' }).lean())?.tokens).toMatch(/^v1\./);
  const [log, stored, errors] = [service.log(), await dump(), said.join('\n')];
  expect(service.logged().filter(({ msg }) => msg === 'an identity provider was of no use').length).toBe(3);
  for (const [name, secret] of secrets) {
    // The id of a key or a code of a test may be short; what is as short as a word is no secret.
    if (secret.length < 10) continue;
    expect(log.includes(secret), `${name} in the log`).toBe(false);
    expect(log.includes(encodeURIComponent(secret)), `${name} in the log, encoded`).toBe(false);
    expect(stored.includes(secret), `${name} in the database`).toBe(false);
    expect(errors.includes(secret), `${name} in an error`).toBe(false);
  }
  expect(log).not.toContain('example.com/signed-in');
});
