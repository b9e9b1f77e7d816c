// O2: answers of a provider that are none. Elsewhere a state was taken twice or from another provider (mix-up), an ID
// token that was made for another client, sign-in or time was believed, its signature was not looked at, or a code that
// was stolen on the way was exchanged all the same. Here a state works once, for its provider; the ID token must be
// signed by the provider's key, for this client and this very sign-in; and a code is worth nothing without its verifier.

import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Identity } from '../../src/models/identity.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { Session } from '../../src/models/session.ts';
import type { TestApp } from '../helpers/app.ts';
import { type Forge, type ForgingProvider, honest, startForgingProvider } from '../helpers/forging-provider.ts';
import {
  authorizeUrl,
  CLIENT_SECRET,
  exchange,
  type IdentityService,
  newVerifier,
  RETURN_TO,
  startIdentityService,
} from '../helpers/identities.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail } from '../helpers/people.ts';
import { Visitor } from '../helpers/visitor.ts';

let forger: ForgingProvider;
let running: IdentityService;
let service: TestApp;
let elsewhere: TestApp;
beforeAll(async () => {
  forger = await startForgingProvider(freshEmail('mallory'));
  running = await startIdentityService({
    others: [{ id: 'forger', issuer: forger.issuer, clientId: 'roster', clientSecret: CLIENT_SECRET }],
  });
  ({ service } = running);
  elsewhere = await service.another();
});
afterAll(async () => {
  await running.close();
  await forger.close();
});
beforeEach(() => {
  forger.forge = honest;
  forger.answer = {};
});

const atCallback = ({ pathname }: URL): boolean => pathname.endsWith('/callback');

/** A browser that has just been sent back, and where to. */
async function onTheWayBack(provider = 'forger') {
  const browser = new Visitor(service, 'ada');
  const verifier = newVerifier();
  const { url } = await browser.visit(authorizeUrl({ provider, verifier }), atCallback);
  return { browser, verifier, url };
}

const nobody = async () => {
  expect(await Identity.countDocuments()).toBe(0);
  expect(await Session.countDocuments()).toBe(0);
};

describe('an ID token that', () => {
  const forgeries: Record<string, Forge> = {
    'is of another issuer': (claims, sign) => sign({ ...claims, iss: 'https://accounts.google.com' }),
    'is of no issuer': ({ iss: _, ...claims }, sign) => sign(claims),
    'is for another client': (claims, sign) => sign({ ...claims, aud: 'another' }),
    'is for another client too, without saying for whom first': (claims, sign) =>
      sign({ ...claims, aud: ['roster', 'another'] }),
    'was made for another sign-in': (claims, sign) => sign({ ...claims, nonce: 'of another sign-in' }),
    'was made for no sign-in': ({ nonce: _, ...claims }, sign) => sign(claims),
    'has expired': (claims, sign) => sign({ ...claims, exp: Number(claims.iat) - 3600 }),
    'never expires': ({ exp: _, ...claims }, sign) => sign(claims),
    'is not valid yet': (claims, sign) => sign({ ...claims, nbf: Number(claims.iat) + 3600 }),
    'names nobody': ({ sub: _, ...claims }, sign) => sign(claims),
    'names somebody by an object': (claims, sign) => sign({ ...claims, sub: { $ne: null } as never }),
    'names somebody at excessive length': (claims, sign) => sign({ ...claims, sub: 'x'.repeat(256) }),
    'is signed by another key': async (claims) => {
      const { privateKey } = await generateKeyPair('RS256');
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
    },
    'is signed by a key that is not published': async (claims) => {
      const { privateKey } = await generateKeyPair('RS256');
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'two' }).sign(privateKey);
    },
    'is signed by the secret of the client': (claims, sign) =>
      sign(claims, new TextEncoder().encode(CLIENT_SECRET), 'HS256'),
    'is not signed': (claims) => new UnsecuredJWT(claims).encode(),
    'is none': () => 'not.a.token',
    'is empty': () => '',
  };

  it.each(Object.entries(forgeries))('%s signs nobody in', async (_what, forge) => {
    forger.forge = forge;
    const { browser, url } = await onTheWayBack();
    expect((await browser.visit(url.href)).url.href).toBe(`${RETURN_TO}#error=identity-unproven`);
    const { response } = await browser.visit('/v1/identities/forger/authorize');
    expect([response?.statusCode, response?.json().code]).toEqual([401, 'identity-unproven']);
    await nobody();
  });
});

describe('a state', () => {
  const callback = (provider: string, state: string, cookie = '', on = service) =>
    call(on, 'GET', `/v1/identities/${provider}/callback`, undefined, {
      query: { state, code: 'code-0' },
      headers: { cookie },
    });

  it('that nobody was given is refused, before the provider is asked anything', async () => {
    const { verifiers } = forger;
    const asked = verifiers.length;
    for (const state of ['x', 'A'.repeat(43), '__proto__', '[object Object]'])
      expect(outcome(await callback('forger', state))).toBe('401 invalid-state');
    expect(verifiers).toHaveLength(asked);
  });

  it('works once, whatever became of it, on any instance', async () => {
    forger.forge = () => 'not.a.token';
    const { browser, url } = await onTheWayBack();
    await browser.visit(url.href);
    forger.forge = honest;
    const again = await browser.visit(url.href);
    expect([again.response?.statusCode, again.response?.json().code]).toEqual([401, 'invalid-state']);
    const cookie = `__Host-roster-identity=${browser.cookie('__Host-roster-identity')}`;
    const there = await callback('forger', url.searchParams.get('state') ?? '', cookie, elsewhere);
    expect(outcome(there)).toBe('401 invalid-state');
    await nobody();
  });

  it('of one provider is none of another (mix-up)', async () => {
    const { browser, url } = await onTheWayBack('local');
    const mixed = new URL(url.href.replace('/local/', '/forger/'));
    const { response } = await browser.visit(mixed.href);
    expect([response?.statusCode, response?.json().code]).toEqual([401, 'invalid-state']);
    await nobody();
  });

  it('is out of date after ten minutes', async () => {
    const { browser, url } = await onTheWayBack();
    await OneTimeToken.updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } });
    const { response } = await browser.visit(url.href);
    expect(response?.json().code).toBe('invalid-state');
    await nobody();
  });

  it('is no code for a session, and a code for a session is no state', async () => {
    const { browser, verifier, url } = await onTheWayBack();
    const state = url.searchParams.get('state') ?? '';
    const asCode = { fragment: new URLSearchParams({ code: state }) };
    expect(outcome(await exchange(service, asCode, verifier))).toBe('401 invalid-code');
    const second = await onTheWayBack();
    const { fragment } = await second.browser.visit(second.url.href);
    const cookie = `__Host-roster-identity=${second.browser.cookie('__Host-roster-identity')}`;
    expect(outcome(await callback('forger', fragment.get('code') ?? '', cookie))).toBe('401 invalid-state');
    expect(browser.history.length).toBeGreaterThan(0);
    await nobody();
  });
});

describe('an answer', () => {
  it.each([
    ['that says that it is of another issuer (RFC 9207)', { iss: 'https://accounts.google.com' }, 'identity-unproven'],
    ['that brings a token instead of a code', { id_token: 'a.b.c', code: '' }, 'identity-unproven'],
    ['that brings an error beside the code', { error: 'login_required' }, 'identity-denied'],
    ['that brings an error of the provider itself', { error: 'temporarily_unavailable' }, 'provider-unavailable'],
  ])('%s signs nobody in', async (_what, answer, code) => {
    forger.answer = answer;
    const { browser, url } = await onTheWayBack();
    expect((await browser.visit(url.href)).url.hash).toBe(`#error=${code}`);
    await nobody();
  });
});

describe('PKCE', () => {
  it('is asked for with S256, by a verifier of its own each time', async () => {
    const before = forger.verifiers.length;
    for (let time = 0; time < 2; time += 1) {
      const { browser, url } = await onTheWayBack();
      forger.forge = () => 'not.a.token';
      await browser.visit(url.href);
    }
    const sent = forger.verifiers.slice(before);
    expect(sent.map(({ right }) => right)).toEqual([true, true]);
    expect(new Set(sent.map(({ verifier }) => verifier)).size).toBe(2);
    for (const { verifier } of sent) expect(verifier.length).toBeGreaterThanOrEqual(43);
  });

  it('stops a code that was made for another challenge', async () => {
    running.idp.people.set('ada', { email: freshEmail(), email_verified: true });
    const browser = new Visitor(service, 'ada');
    const { url } = await browser.visit(authorizeUrl(), ({ origin }) => origin === running.idp.issuer);
    url.searchParams.set('code_challenge', 'A'.repeat(43));
    expect((await browser.visit(url.href)).url.hash).toBe('#error=identity-unproven');
    await nobody();
  });
});

it('what is not forged signs in', async () => {
  const { browser, verifier, url } = await onTheWayBack();
  const page = await browser.visit(url.href);
  expect(outcome(await exchange(elsewhere, page, verifier))).toBe('201');
});
