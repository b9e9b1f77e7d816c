// O4: a service that sends its visitors anywhere. Elsewhere the page to return to was compared by prefix, by regular
// expression or by another parser than the browser's, and a code or a phished visitor ended up with an attacker. Here
// it is one of the origins of the configuration, letter for letter, or nobody is sent anywhere.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redirectTarget } from '../../src/lib/redirect-target.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import type { TestApp } from '../helpers/app.ts';
import {
  authorizeUrl,
  CLIENT,
  exchange,
  type IdentityService,
  newVerifier,
  startIdentityService,
} from '../helpers/identities.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, person } from '../helpers/people.ts';
import { Visitor } from '../helpers/visitor.ts';

const REFUSED = [
  '',
  '/',
  '/signed-in',
  '//evil.example',
  '///evil.example',
  '\\\\evil.example',
  '/\\evil.example',
  'evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https://evil.example',
  'http://app.example.com',
  'https://app.example.com:444',
  'https://app.example.com.evil.example',
  'https://app.example.com@evil.example',
  'https://app.example.com%2eevil.example',
  'https://app.example.com%40evil.example',
  'https://evil.example#https://app.example.com',
  'https://evil.example?https://app.example.com',
  'https://evil.example\\@app.example.com',
  'https://user@app.example.com',
  'https://user:word@app.example.com',
  'https://sub.app.example.com',
  'https://app.example.com.',
  'https://APP.example.com.evil.example',
  'https://app.example.com/#',
  'https://app.example.com/#code=planted',
  'https://app.example.com/#error=planted',
  'javascript:alert(1)',
  'javascript://app.example.com/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'blob:https://app.example.com/x',
  'ftp://app.example.com',
  'file:///etc/passwd',
  'intent://app.example.com',
  'null',
  '*',
  'https://*',
  'https://app.example.com\u3002evil.example',
  `https://app.example.com/${'x'.repeat(2048)}`,
];

/** What a browser would take for a page of the client, and where that is. */
const TAKEN: [given: string, target: string][] = [
  [CLIENT, `${CLIENT}/`],
  [`${CLIENT}/signed-in?tab=1&next=%2F%2Fevil.example`, `${CLIENT}/signed-in?tab=1&next=%2F%2Fevil.example`],
  ['HTTPS://App.Example.Com:443/a', `${CLIENT}/a`],
  ['https:\\\\app.example.com\\a', `${CLIENT}/a`],
  [`${CLIENT}/../../a`, `${CLIENT}/a`],
  [`${CLIENT}//evil.example`, `${CLIENT}//evil.example`],
  [`${CLIENT}\\@evil.example`, `${CLIENT}/@evil.example`],
  [' https://app.example.com/a\t\n', `${CLIENT}/a`],
  ['http://localhost:3000/docs', 'http://localhost:3000/docs'],
];

let running: IdentityService;
let service: TestApp;
beforeAll(async () => {
  running = await startIdentityService();
  ({ service } = running);
});
afterAll(() => running.close());

describe('a place to return to that is not a client’s', () => {
  it.each(REFUSED.map((place) => [place.slice(0, 60), place]))('is refused: %s', async (_name, place) => {
    const query = { redirectTo: place, codeChallenge: 'A'.repeat(43) };
    const response = await call(service, 'GET', '/v1/identities/local/authorize', undefined, { query });
    expect([response.statusCode, response.json().code]).toEqual([400, 'validation-failed']);
    expect(response.json().errors[0].pointer).toBe('?redirectTo');
    expect(response.headers).not.toHaveProperty('location');
    expect(response.headers).not.toHaveProperty('set-cookie');
  });

  it('is refused for a link as well, and nothing is begun', async () => {
    const owner = await person(service);
    for (const redirectTo of REFUSED) {
      const response = await owner.call('POST', '/v1/users/me/identities/local/authorize', { redirectTo });
      expect([response.statusCode, response.json().errors?.[0].pointer], redirectTo).toEqual([400, '/redirectTo']);
    }
    expect(await OneTimeToken.countDocuments({ purpose: 'identity-authorization' })).toBe(0);
  });
});

it.each(TAKEN)('%j leads to %s, where a browser would go', async (given, target) => {
  running.idp.people.set('ada', { email: freshEmail(), email_verified: true });
  const { headers } = await call(service, 'GET', authorizeUrl({ redirectTo: given }));
  expect(headers.location).toContain(running.idp.issuer);
  const origins = new Set([CLIENT, 'http://localhost:3000']);
  expect(redirectTarget(given, origins)).toBe(target);
});

it('nobody says later where to return to', async () => {
  running.idp.people.set('ada', { email: freshEmail(), email_verified: true });
  const verifier = newVerifier();
  const browser = new Visitor(service, 'ada');
  const { url } = await browser.visit(authorizeUrl({ verifier }), ({ pathname }) => pathname.endsWith('/callback'));
  url.searchParams.set('redirectTo', 'https://evil.example');
  url.searchParams.set('redirect_uri', 'https://evil.example');
  const page = await browser.visit(url.href);
  expect(page.url.origin).toBe(CLIENT);
  expect(outcome(await exchange(service, page, verifier))).toBe('201');
});

it('without any client, no page but the service’s own is one', async () => {
  const alone = await service.another({ CORS_ORIGINS: '', APP_URL: 'https://accounts.example.com/app' });
  const at = (redirectTo: string) => call(alone, 'GET', authorizeUrl({ redirectTo }));
  expect((await at(CLIENT)).statusCode).toBe(400);
  expect((await at('null')).statusCode).toBe(400);
  for (const own of ['http://localhost:3000/', 'https://accounts.example.com/signed-in'])
    expect((await at(own)).statusCode, own).toBe(302);
});
