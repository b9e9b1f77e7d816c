// R2: one sign-in that is finished twice, or two first ones at once. Elsewhere two answers for one new person made two
// accounts, one code opened two sessions, and two accounts each linked the same identity. Here a code works once, and a
// unique index decides whose an identity is, on all instances.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Identity } from '../../src/models/identity.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import type { TestApp } from '../helpers/app.ts';
import {
  authorizeUrl,
  exchange,
  type IdentityService,
  linkTo,
  newVerifier,
  RETURN_TO,
  signInAs,
  startIdentityService,
} from '../helpers/identities.ts';
import { inParallel, outcome, tally } from '../helpers/parallel.ts';
import { call, freshEmail, person } from '../helpers/people.ts';
import { type Page, Visitor } from '../helpers/visitor.ts';

let running: IdentityService;
let instances: TestApp[];
let service: TestApp;
beforeAll(async () => {
  running = await startIdentityService();
  ({ service } = running);
  instances = [service, await service.another()];
});
afterAll(() => running.close());

let count = 0;
let ada: string;
let email: string;
beforeEach(() => {
  ada = `ada-${++count}`;
  email = freshEmail('ada');
  running.idp.people.set(ada, { email, email_verified: true });
});

const AT_ONCE = 6;
const atCallback = ({ pathname }: URL): boolean => pathname.endsWith('/callback');

const accounts = () => User.countDocuments({ email });
const identities = () => Identity.countDocuments({ subject: ada });
const sessions = async () => Session.countDocuments({ userId: (await User.findOne({ email }).lean())?._id ?? null });

describe('first sign-ins of one person at once', () => {
  it('make one account, and all of them are signed in', async () => {
    const arrivals = await inParallel(instances, AT_ONCE, async (instance) => {
      const verifier = newVerifier();
      return { verifier, page: await new Visitor(instance, ada).visit(authorizeUrl({ verifier })) };
    });
    const answers = await inParallel(instances, AT_ONCE, (instance, index) => {
      const { page, verifier } = arrivals[index] as { page: Page; verifier: string };
      return exchange(instance, page, verifier);
    });
    expect(tally(answers)).toEqual({ 201: AT_ONCE });
    expect(new Set(answers.map((answer) => answer.json().user.id)).size).toBe(1);
    expect([await accounts(), await identities(), await sessions()]).toEqual([1, 1, AT_ONCE]);
  });

  it('by the callback itself as well', async () => {
    const waiting = await inParallel(instances, AT_ONCE, async (instance) => {
      const browser = new Visitor(instance, ada);
      return { browser, ...(await browser.visit('/v1/identities/local/authorize', atCallback)) };
    });
    const pages = await Promise.all(waiting.map(({ browser, url }) => browser.visit(url.href)));
    expect(pages.map(({ response }) => response?.statusCode)).toEqual(Array(AT_ONCE).fill(201));
    expect([await accounts(), await identities()]).toEqual([1, 1]);
  });

  it('beside a sign-up with the same email make one account at the most', async () => {
    const verifier = newVerifier();
    const page = await new Visitor(service, ada).visit(authorizeUrl({ verifier }));
    const [signedIn, signedUp] = await Promise.all([
      exchange(service, page, verifier),
      call(service, 'POST', '/v1/users', { email, password: 'correct horse battery staple' }),
    ]);
    expect(outcome(signedIn)).toBe('201');
    expect(outcome(signedUp)).toBeOneOf(['201', '409 email-taken']);
    expect([await accounts(), await identities()]).toEqual([1, 1]);
  });
});

it('an answer of a provider that comes many times at once counts once', async () => {
  const browser = new Visitor(service, ada);
  const { url } = await browser.visit('/v1/identities/local/authorize', atCallback);
  const cookie = `__Host-roster-identity=${browser.cookie('__Host-roster-identity')}`;
  const answers = await inParallel(instances, AT_ONCE, (instance) =>
    call(instance, 'GET', url.pathname + url.search, undefined, { headers: { cookie } }),
  );
  expect(tally(answers)).toEqual({ 201: 1, '401 invalid-state': AT_ONCE - 1 });
  expect(await sessions()).toBe(1);
});

it('a code that is exchanged many times at once opens one session', async () => {
  const verifier = newVerifier();
  const page = await new Visitor(service, ada).visit(authorizeUrl({ verifier }));
  const answers = await inParallel(instances, AT_ONCE, (instance) => exchange(instance, page, verifier));
  expect(tally(answers)).toEqual({ 201: 1, '401 invalid-code': AT_ONCE - 1 });
  expect(await sessions()).toBe(1);
});

it('accounts that link one identity at once: one has it', async () => {
  const owners = await inParallel(instances, 4, (instance) => person(instance));
  const begun = await Promise.all(
    owners.map(async (owner) => {
      const started = await owner.call('POST', '/v1/users/me/identities/local/authorize', { redirectTo: RETURN_TO });
      const { fragment } = await new Visitor(service, ada).visit(started.json().authorizationUrl);
      return () => owner.call('POST', '/v1/users/me/identities', { code: fragment.get('code') });
    }),
  );
  const answers = await Promise.all(begun.map((finish) => finish()));
  expect(tally(answers)).toEqual({ 201: 1, '409 identity-taken': owners.length - 1 });
  expect(await identities()).toBe(1);
});

it('the last two ways to sign in are not removed at once', async () => {
  const other = `other-${count}`;
  running.idp.people.set(other, { email: freshEmail(), email_verified: true });
  const { accessToken, user } = (await signInAs(service, ada)).json();
  const headers = { authorization: `Bearer ${accessToken}` };
  const as = (method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown, on = service) =>
    call(on, method, url, body, { headers });
  const owner = { call: as } as unknown as Parameters<typeof linkTo>[1];
  expect(outcome(await linkTo(service, owner, other))).toBe('201');
  const { items } = (await as('GET', '/v1/users/me/identities')).json();
  const answers = await Promise.all(
    items.map(({ id }: { id: string }, index: number) =>
      as('DELETE', `/v1/users/me/identities/${id}`, undefined, instances[index]),
    ),
  );
  expect(tally(answers)).toEqual({ 204: 1, '409 last-credential': 1 });
  expect(await Identity.countDocuments({ userId: user.id })).toBe(1);
});
