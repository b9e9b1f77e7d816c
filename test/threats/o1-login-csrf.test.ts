// O1: a sign-in that somebody else began (login CSRF). Elsewhere an attacker signed in at a provider, stopped before the
// way back, and had a victim's browser finish: the victim worked in the attacker's account, or the attacker's identity
// was linked to the victim's. Here an answer counts in the browser that began, a code for the client that began, and a
// link in the very session that began it.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Identity } from '../../src/models/identity.ts';
import { Session } from '../../src/models/session.ts';
import type { TestApp } from '../helpers/app.ts';
import {
  authorizeUrl,
  challengeOf,
  exchange,
  type IdentityService,
  newVerifier,
  RETURN_TO,
  startIdentityService,
} from '../helpers/identities.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, type Person, person, signIn } from '../helpers/people.ts';
import { type Presets, startPresets } from '../helpers/presets.ts';
import { useDetours } from '../helpers/reroute.ts';
import { Visitor } from '../helpers/visitor.ts';

useDetours();

let presets: Presets;
let running: IdentityService;
let service: TestApp;
beforeAll(async () => {
  presets = await startPresets();
  running = await startIdentityService({ others: [presets.entries['apple'] ?? {}] });
  ({ service } = running);
});
afterAll(async () => {
  await running.close();
  await presets.close();
});

let count = 0;
let mallory: string;
beforeEach(() => {
  mallory = `mallory-${++count}`;
  const email = freshEmail('mallory');
  running.idp.people.set(mallory, { email, email_verified: true });
  presets.apple.people.set(mallory, { email, email_verified: true });
});

const atCallback = ({ pathname }: URL): boolean => pathname.endsWith('/callback');
const sessions = () => Session.countDocuments();

describe.each([
  ['for the callback to answer', '/v1/identities/local/authorize'],
  ['for a client', authorizeUrl()],
])('an answer of a provider, %s,', (_for, begin) => {
  it('is refused in another browser, and used up', async () => {
    const attacker = new Visitor(service, mallory);
    const { url } = await attacker.visit(begin, atCallback);
    const before = await sessions();
    const { response } = await new Visitor(service, 'victim').visit(url.href);
    expect([response?.statusCode, response?.json().code]).toEqual([401, 'invalid-state']);
    expect(response?.headers).not.toHaveProperty('location');
    expect((await attacker.visit(url.href)).response?.json().code).toBe('invalid-state');
    expect(await sessions()).toBe(before);
    expect(await Identity.countDocuments({ subject: mallory })).toBe(0);
  });

  it('is refused in a browser that has begun a sign-in of its own', async () => {
    const { url } = await new Visitor(service, mallory).visit(begin, atCallback);
    const victim = new Visitor(service, 'victim');
    await victim.visit(begin, (at) => at.origin === running.idp.issuer);
    expect((await victim.visit(url.href)).response?.json().code).toBe('invalid-state');
  });

  it('is refused in the same browser once it has forgotten', async () => {
    const browser = new Visitor(service, mallory);
    const { url } = await browser.visit(begin, atCallback);
    browser.forget();
    expect((await browser.visit(url.href)).response?.json().code).toBe('invalid-state');
  });
});

it('the cookie that tells the browser apart is none that a neighbouring host could plant or a script could read', async () => {
  const begin = async (provider: string, cookie = '') => {
    const options = { headers: { cookie } };
    const { headers } = await call(service, 'GET', `/v1/identities/${provider}/authorize`, undefined, options);
    return String(headers['set-cookie']);
  };
  const attributes = 'Max-Age=600; Path=/; HttpOnly; Secure;';
  expect(await begin('local')).toMatch(new RegExp(`^__Host-roster-identity=[\\w-]{43}; ${attributes} SameSite=Lax$`));
  // A form that Apple's page posts would not bring the other one.
  expect(await begin('apple')).toMatch(
    new RegExp(`^__Host-roster-identity-post=[\\w-]{43}; ${attributes} SameSite=None$`),
  );
  for (const planted of ['short', 'x'.repeat(44), `${'x'.repeat(42)}%`])
    expect(await begin('local', `__Host-roster-identity=${planted}`)).not.toContain(`=${planted};`);
});

it('a form from a provider’s page is refused without the cookie as well', async () => {
  const attacker = new Visitor(service, mallory);
  const posts: string[] = [];
  const { response } = await attacker.visit('/v1/identities/apple/authorize');
  expect(response?.statusCode).toBe(201);
  const again = await attacker.visit('/v1/identities/apple/authorize', (url) => {
    if (atCallback(url)) posts.push(url.href);
    if (atCallback(url)) attacker.forget();
    return false;
  });
  expect(posts).toHaveLength(1);
  expect(again.response?.json().code).toBe('invalid-state');
});

describe('a code for a client', () => {
  it('is worth nothing to a client that did not begin', async () => {
    const page = await new Visitor(service, mallory).visit(authorizeUrl());
    expect(outcome(await exchange(service, page, newVerifier()))).toBe('401 invalid-code');
  });

  it('is used up by a wrong guess', async () => {
    const verifier = newVerifier();
    const page = await new Visitor(service, mallory).visit(authorizeUrl({ verifier }));
    await exchange(service, page, challengeOf(verifier));
    expect(outcome(await exchange(service, page, verifier))).toBe('401 invalid-code');
  });

  it('is given to none that has nothing to prove itself by', async () => {
    const redirectTo = encodeURIComponent(RETURN_TO);
    for (const query of [`redirectTo=${redirectTo}`, `codeChallenge=${'A'.repeat(43)}`]) {
      const response = await call(service, 'GET', `/v1/identities/local/authorize?${query}`);
      expect(response.json()).toMatchObject({ status: 400, errors: [{ code: 'required' }] });
    }
  });
});

describe('a link', () => {
  let owner: Person;
  let victim: Person;
  beforeEach(async () => {
    [owner, victim] = [await person(service), await person(service)];
  });

  const codeOf = async (who: Person) => {
    const begun = await who.call('POST', '/v1/users/me/identities/local/authorize', { redirectTo: RETURN_TO });
    const { fragment } = await new Visitor(service, mallory).visit(begun.json().authorizationUrl);
    return fragment.get('code') ?? '';
  };
  const finish = (who: Person, code: string) => who.call('POST', '/v1/users/me/identities', { code });

  it('that one account began is finished by no other, whichever of the two is lured', async () => {
    expect(outcome(await finish(victim, await codeOf(owner)))).toBe('401 invalid-code');
    expect(await Identity.countDocuments({ subject: mallory })).toBe(0);
  });

  it('is finished by no other session of the same account', async () => {
    const other = await signIn(service, owner.email);
    expect(outcome(await finish(other, await codeOf(owner)))).toBe('401 invalid-code');
  });

  it('signs nobody in, and a sign-in links nothing', async () => {
    const page = { fragment: new URLSearchParams({ code: await codeOf(owner) }) };
    expect(outcome(await exchange(service, page, newVerifier()))).toBe('401 invalid-code');
    const { fragment } = await new Visitor(service, mallory).visit(authorizeUrl());
    expect(outcome(await finish(owner, fragment.get('code') ?? ''))).toBe('401 invalid-code');
    expect(await Identity.countDocuments({ subject: mallory })).toBe(0);
  });

  it('dies with the session that began it', async () => {
    const code = await codeOf(owner);
    await owner.call('DELETE', '/v1/sessions');
    expect(outcome(await finish(owner, code))).toBe('401 invalid-token');
    const back = await signIn(service, owner.email);
    expect(outcome(await finish(back, code))).toBe('401 invalid-code');
  });
});
