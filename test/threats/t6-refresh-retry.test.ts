// T6: a client that lost the response to its refresh. Elsewhere a grace period gave each retry a token of its own, so
// that a thief's branch lived on beside the owner's; or there was none, and a bad network signed people out. Here a
// retry within 10 s gets the very same successor, and two branches never live. The successor is a MAC under a key that
// is never in the database, so that neither a token nor a dump yields the next one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { mintRefreshToken } from '../../src/lib/refresh-token.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { browserSignIn, openBrowser, REFRESH } from '../helpers/cookie-jar.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person, refresh, signIn, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let ada: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  ada = await person(here);
});
afterAll(() => here.close());

const successorOf = async (instance: TestApp, token: string): Promise<string> =>
  (await refresh(instance, token)).json().refreshToken;

describe('a retry within ten seconds', () => {
  it('gets the same successor, from any instance, and rotates nothing', async () => {
    const phone = await signIn(here, ada.email);
    const first = (await refresh(here, phone.refreshToken)).json();
    const second = (await refresh(there, phone.refreshToken)).json();
    expect(second.refreshToken).toBe(first.refreshToken);
    expect(second.refreshTokenExpiresAt).toBe(first.refreshTokenExpiresAt);
    expect(await Session.findById(phone.sessionId).lean()).toMatchObject({ rotation: 1 });
    expect((await whoAmI(here, second.accessToken)).statusCode).toBe(200);
    expect((await refresh(there, first.refreshToken)).statusCode).toBe(200);
  });

  it('gets it also when the keyring was rotated in between', async () => {
    const renewed = await here.another({ KEYRING: `${generateKeyringSpec()},${here.config.KEYRING}` });
    const phone = await signIn(here, ada.email);
    expect(await successorOf(here, phone.refreshToken)).toBe(await successorOf(renewed, phone.refreshToken));
  });

  it('gets none once the successor was used: there is one live branch', async () => {
    const phone = await signIn(here, ada.email);
    await refresh(here, await successorOf(here, phone.refreshToken));
    expect(outcome(await refresh(there, phone.refreshToken))).toBe('401 refresh-token-reused');
  });
});

it('two tabs of one browser that refresh at once go on with the same cookies, whichever answer comes last', async () => {
  const { browser, sessionId } = await browserSignIn(here, ada.email);
  const tabs = [here, there, here, there].map((instance) => {
    const tab = openBrowser(instance);
    for (const [name, value] of browser.cookies) tab.cookies.set(name, value);
    return tab;
  });
  for (const answer of await Promise.all(tabs.map((tab) => tab.call('POST', '/v1/sessions/refresh', {}))))
    expect(outcome(answer)).toBe('200');
  expect(new Set(tabs.map(({ cookies }) => cookies.get(REFRESH))).size).toBe(1);
  expect(await Session.findById(sessionId).lean()).toMatchObject({ rotation: 1 });
  for (const tab of tabs) expect(outcome(await tab.call('GET', '/v1/users/me'))).toBe('200');
});

it('a retry after ten seconds is a reuse', async () => {
  const phone = await signIn(here, ada.email);
  await refresh(here, phone.refreshToken);
  await Session.updateOne({ _id: phone.sessionId }, { $set: { rotatedAt: new Date(Date.now() - 9_000) } });
  expect((await refresh(there, phone.refreshToken)).statusCode).toBe(200);
  await Session.updateOne({ _id: phone.sessionId }, { $set: { rotatedAt: new Date(Date.now() - 10_001) } });
  expect(outcome(await refresh(there, phone.refreshToken))).toBe('401 refresh-token-reused');
});

it('whoever holds the database and a token cannot make the next one without the keyring', async () => {
  const phone = await signIn(here, ada.email);
  const stored = await Session.findById(phone.sessionId).lean();
  const source = { sessionId: phone.sessionId, rotation: 1, seed: Buffer.from(stored?.seed ?? '', 'base64url') };
  const guessed = mintRefreshToken(parseKeyring(generateKeyringSpec()), source);
  expect(outcome(await refresh(there, guessed))).toBe('401 invalid-token');
  const real = await successorOf(here, phone.refreshToken);
  expect(guessed.slice(0, 20)).toBe(real.slice(0, 20));
  expect(guessed).not.toBe(real);
  // What keeps the next token secret is the key, and nothing else.
  expect(mintRefreshToken(here.deps.keyring, source)).toBe(real);
});
