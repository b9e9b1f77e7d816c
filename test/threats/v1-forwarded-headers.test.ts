// V1: forwarded headers from whoever likes to send them. Elsewhere a new X-Forwarded-For at each attempt was a new
// address to every limit, and X-Forwarded-Host stood in links and redirects. Here they count for nothing, unless they
// come from a proxy that the operator trusts, and then only as far as that proxy vouches for them.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { clientOf, Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { personalValues } from '../helpers/audit.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { browserSignIn, cookieHeader } from '../helpers/cookie-jar.ts';
import { mailFor } from '../helpers/mail.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, person } from '../helpers/people.ts';

/** Every header by which some proxy or other tells of the client. */
const forwarded = (address: string): Record<string, string> => ({
  'x-forwarded-for': address,
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '1',
  'x-real-ip': address,
  'x-client-ip': address,
  'x-cluster-client-ip': address,
  'x-original-forwarded-for': address,
  'x-original-url': '/v1/admin/users',
  'x-rewrite-url': '/v1/admin/users',
  'true-client-ip': address,
  'cf-connecting-ip': address,
  'fastly-client-ip': address,
  forwarded: `for=${address};host=evil.example;proto=https`,
});

const STRANGER = '203.0.113.7';
const PROXY = '198.51.100.1';
/** Where the stranger says to be. */
const CLAIMED = '192.0.2.99';

/** Where a request really comes from, and what it says of itself. */
interface Sent {
  readonly remoteAddress: string;
  readonly headers: Record<string, string>;
}

stopTheClock();
let alone: TestApp;
let elsewhere: TestApp;
let behindProxy: TestApp;
beforeAll(async () => {
  alone = await buildTestApp({ RATE_LIMIT_MULTIPLIER: '1' });
  elsewhere = await alone.another();
  behindProxy = await alone.another({ TRUSTED_PROXIES: `${PROXY}, 10.0.0.0/8` });
});
afterAll(() => alone.close());

const signUp = (on: TestApp, { remoteAddress, headers }: Sent) =>
  call(on, 'POST', '/v1/users', { email: freshEmail(), password: PASSWORD }, { remoteAddress, headers });

/** Signs up and in, from the same place. */
async function signIn(on: TestApp, sent: Sent) {
  const { email } = (await signUp(on, sent)).json();
  return (await call(on, 'POST', '/v1/sessions', { email, password: PASSWORD }, sent)).json();
}

/** The limit of sign-up, the smallest; it counts before the body is looked at. */
const LIMIT = 20;

async function signUps(count: number, instances: readonly TestApp[], from: (n: number) => [string, string]) {
  const statuses: number[] = [];
  for (let n = 0; n < count; n++) {
    const instance = instances[n % instances.length] ?? alone;
    const [remoteAddress, client] = from(n);
    const options = { remoteAddress, headers: forwarded(client) };
    statuses.push((await call(instance, 'POST', '/v1/users', {}, options)).statusCode);
  }
  return statuses;
}

const claimed = (n: number): string => `192.0.2.${n + 1}`;

describe('from a peer that nobody trusts', () => {
  it('a new address in every request is still one client to the limits, on all instances', async () => {
    const statuses = await signUps(LIMIT + 2, [alone, elsewhere], (n) => ['203.0.113.1', claimed(n)]);
    expect(statuses.slice(0, LIMIT)).toEqual(Array.from({ length: LIMIT }, () => 400));
    expect(statuses.slice(LIMIT)).toEqual([429, 429]);
  });

  it('nor are they believed where another proxy is trusted', async () => {
    const statuses = await signUps(LIMIT + 2, [behindProxy], (n) => ['203.0.113.2', claimed(n)]);
    expect(statuses.slice(LIMIT)).toEqual([429, 429]);
  });

  it('somebody else’s address cannot be used up', async () => {
    await signUps(LIMIT + 2, [alone], () => ['203.0.113.3', '203.0.113.4']);
    const [status] = await signUps(1, [alone], () => ['203.0.113.4', '203.0.113.4']);
    expect(status).toBe(400);
  });

  it('session, audit trail and log tell where a request came from', async () => {
    const { session } = await signIn(alone, { remoteAddress: STRANGER, headers: forwarded(CLAIMED) });
    const stored = await Session.findById(session.id).lean();
    expect([session.ip, stored && clientOf(alone.deps.keyring, stored).ip]).toEqual([STRANGER, STRANGER]);
    const events = await AuditEvent.find().lean();
    const recorded = events.map((event) => personalValues(alone, event).ip);
    expect(recorded).toContain(STRANGER);
    const logged = JSON.stringify([recorded, alone.logged()]);
    expect(logged).toContain(STRANGER);
    expect(logged).not.toContain(CLAIMED);
  });

  it('no answer is made of them', async () => {
    const sent = { remoteAddress: STRANGER, headers: { ...forwarded(CLAIMED), host: 'evil.example' } };
    const get = (url: string) => call(alone, 'GET', url, undefined, sent);
    const created = await signUp(alone, sent);
    const urls = ['/', '/docs', '/openapi.json', '/problems', '/v1/nowhere', '/healthz'];
    for (const { headers, body } of [created, ...(await Promise.all(urls.map(get)))]) {
      expect(`${JSON.stringify(headers)}${body}`).not.toContain('evil.example');
      expect(headers['strict-transport-security']).toBeUndefined();
    }
    expect(created.headers['location']).toBe('/v1/users/me');
    // What a proxy is told to rewrite is for that proxy: here it is no other route.
    expect((await get('/healthz')).json()).toEqual({ status: 'alive' });
  });

  it('no mail links to them', async () => {
    const sent = { remoteAddress: STRANGER, headers: { ...forwarded(CLAIMED), host: 'evil.example' } };
    const { email } = (await signUp(alone, sent)).json();
    for (const url of ['/v1/password-resets', '/v1/sessions/magic-link'])
      expect((await call(alone, 'POST', url, { email }, sent)).statusCode).toBe(202);
    await alone.app.settled();
    const mails = await mailFor(alone.deps.keyring, email);
    expect(mails.map(({ template }) => template).sort()).toEqual(['magic-link', 'reset-password', 'verify-email']);
    for (const { data } of mails) {
      expect('link' in data && data.link.startsWith(`${alone.config.PUBLIC_URL}/`)).toBe(true);
      expect(JSON.stringify(data)).not.toContain('evil.example');
    }
  });

  it('no token is issued in their name', async () => {
    const { accessToken } = await signIn(alone, { remoteAddress: STRANGER, headers: forwarded(CLAIMED) });
    const { iss, aud } = JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url').toString());
    expect([iss, aud]).toEqual([alone.config.PUBLIC_URL, alone.config.PUBLIC_URL]);
  });
});

describe('cookies', () => {
  /** From a stranger, and from a proxy that is trusted with addresses alone. */
  const senders = (): [TestApp, string][] => [
    [alone, STRANGER],
    [behindProxy, STRANGER],
    [behindProxy, PROXY],
  ];
  const plainly = (headers: Record<string, string>) => ({ ...headers, origin: alone.config.PUBLIC_URL });

  it('are the same whatever is said of host and protocol', async () => {
    const { email } = await person(alone);
    const body = { email, password: PASSWORD, transport: 'cookie' };
    const answers = [];
    for (const [on, remoteAddress] of senders())
      for (const said of [{}, forwarded(CLAIMED), { ...forwarded(CLAIMED), 'x-forwarded-proto': 'http' }]) {
        const headers = plainly({ ...said, host: 'evil.example' });
        const { headers: answered } = await call(on, 'POST', '/v1/sessions', body, { remoteAddress, headers });
        answers.push([answered['set-cookie']].flat().map((cookie) => String(cookie).replace(/=[\w.-]{64,}/, '=…')));
      }
    expect(answers).toHaveLength(9);
    for (const answer of answers)
      expect(answer).toEqual([
        '__Host-roster-access=…; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax',
        '__Host-roster-refresh=…; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax',
      ]);
  });

  it('are taken from the origin of the configuration, and from none that a header makes up', async () => {
    const { browser } = await browserSignIn(alone, (await person(alone)).email);
    const cookie = cookieHeader(browser.cookies);
    for (const [on, remoteAddress] of senders()) {
      const patch = async (headers: Record<string, string>) =>
        outcome(await call(on, 'PATCH', '/v1/users/me', { firstName: 'Ada' }, { remoteAddress, headers }));
      const claims = { ...forwarded(CLAIMED), host: 'evil.example', cookie };
      for (const origin of ['https://evil.example', 'http://evil.example', 'https://evil.example:1'])
        expect(await patch({ ...claims, origin })).toBe('403 foreign-origin');
      expect(await patch(plainly(claims))).toBe('200');
    }
  });

  it('are refused by what PUBLIC_URL says, and not by what a proxy says of HTTPS', async () => {
    const open = await alone.another({ PUBLIC_URL: 'http://accounts.example.com', TRUSTED_PROXIES: PROXY });
    const body = { email: (await person(alone)).email, password: PASSWORD, transport: 'cookie' };
    const headers = { ...forwarded(CLAIMED), origin: open.config.PUBLIC_URL };
    const answer = await call(open, 'POST', '/v1/sessions', body, { remoteAddress: PROXY, headers });
    expect(outcome(answer)).toBe('400 validation-failed');
  });
});

describe('from a proxy that is trusted', () => {
  const ipOf = async (chain: string): Promise<string> =>
    (await signIn(behindProxy, { remoteAddress: PROXY, headers: { 'x-forwarded-for': chain } })).session.ip;

  it('the address that it saw is the client’s', async () => {
    expect(await ipOf('192.0.2.50')).toBe('192.0.2.50');
    expect(await ipOf('192.0.2.51, 10.1.2.3')).toBe('192.0.2.51');
  });

  it('what the client itself had put before it is not', async () => {
    expect(await ipOf('127.0.0.1, 192.0.2.52')).toBe('192.0.2.52');
    expect(await ipOf('10.9.9.9, 192.0.2.53, 10.1.2.3')).toBe('192.0.2.53');
    const statuses = await signUps(LIMIT + 2, [behindProxy], (n) => [PROXY, `${claimed(n)}, 192.0.2.200`]);
    expect(statuses.slice(LIMIT)).toEqual([429, 429]);
  });

  it('two clients are two to the limits', async () => {
    const statuses = await signUps(LIMIT + 2, [behindProxy], (n) => [PROXY, `192.0.2.${201 + (n % 2)}`]);
    expect(statuses).not.toContain(429);
  });
});

describe('the setting', () => {
  it('trusts nobody unless told to', () => {
    expect(loadConfig({ NODE_ENV: 'test' }).TRUSTED_PROXIES).toBe('');
  });

  it.each(['10.0.0.1', '10.0.0.0/8', '2001:db8::/32', '10.0.0.1, 2001:db8::1'])('can be %s', (value) => {
    expect(loadConfig({ NODE_ENV: 'test', TRUSTED_PROXIES: value }).TRUSTED_PROXIES).toBe(value);
  });

  const nobodysAddress = ['true', '*', '1', 'proxy.example', '10.0.0', '10.0.0.0/', '10.0.0.0/33', '0.0.0.0/0', '::/0'];
  it.each(nobodysAddress)('cannot be %s', (value) => {
    expect(() => loadConfig({ NODE_ENV: 'test', TRUSTED_PROXIES: value })).toThrow(ConfigError);
  });
});
