// P2: rules that make passwords worse, and spellings that lock their owner out. Elsewhere spaces were trimmed, emoji
// refused, a digit and a capital demanded; and `é` typed on another system was another password. Here every character
// is accepted as it is, and the two spellings of one text (NFC and NFD) are one password.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { call, freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';

const ACCEPTED = {
  'all lower case': 'quietly humming along',
  'all digits, not in a row': '830417265901738',
  'all capitals': 'QUIETLYHUMMINGALONG',
  'spaces at both ends': '  quietly humming  ',
  'spaces only within': 'q u i e t l y h u m m',
  'other white space': 'quietly\thumming\u00a0along\u2003now',
  'a null character': 'quietly\0humming along',
  'quotes and signs': `quietly'";--<script>$where`,
  'one emoji after another': '🐘🍕🚲🌵🎻🧊🪁🦔🥁🧲🪴🎈🦑🛶🌋',
  'emoji of several code points': '👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈 and more',
  'another script': 'шёлковый путь на восток',
  'no spaces in its script': '静かに口ずさみながら歩いてゆく夜',
  'marks on many letters': 'crème brûlée à l’été',
};

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const signUp = (email: string, password: string) => call(service, 'POST', '/v1/users', { email, password });
const signIn = async (email: string, password: string) =>
  (await call(service, 'POST', '/v1/sessions', { email, password })).statusCode;

describe('a password', () => {
  it.each(Object.entries(ACCEPTED))('of %s is accepted, as it is', async (_, password) => {
    const email = freshEmail();
    expect((await signUp(email, password)).statusCode).toBe(201);
    expect(await signIn(email, password)).toBe(201);
    // Nothing is trimmed, collapsed or folded.
    const others = [password.trim(), ` ${password}`, password.replace(/\s/gu, ''), password.toUpperCase()];
    for (const other of others.filter((one) => one !== password)) expect(await signIn(email, other), other).toBe(401);
  });

  it.each([
    ['NFC', 'NFD'],
    ['NFD', 'NFC'],
  ] as const)('chosen in %s signs in spelt in %s', async (chosen, typed) => {
    const email = freshEmail();
    const password = 'Ärger über größere Öfen é';
    expect(password.normalize('NFC')).not.toBe(password.normalize('NFD'));
    expect((await signUp(email, password.normalize(chosen))).statusCode).toBe(201);
    expect(await signIn(email, password.normalize(typed))).toBe(201);
    expect(await signIn(email, password.normalize(chosen))).toBe(201);
    expect(await signIn(email, 'Arger uber großere Ofen e')).toBe(401);
  });
});

describe('a change of password', () => {
  let ada: Person;
  beforeAll(async () => {
    ada = await person(service);
  });

  it('takes the same characters, and the old one in either spelling', async () => {
    const first = 'éclairs and crème brûlée ';
    const second = ' 🐘 élan vital, today ';
    const change = (currentPassword: string, newPassword: string) =>
      ada.call('PUT', '/v1/users/me/password', { currentPassword, newPassword });
    expect((await change(PASSWORD, first.normalize('NFD'))).statusCode).toBe(204);
    expect((await change(first.trim(), second)).statusCode).toBe(403);
    expect((await change(first.normalize('NFC'), second)).statusCode).toBe(204);
    expect(await signIn(ada.email, second)).toBe(201);
    expect(await signIn(ada.email, second.trim())).toBe(401);
  });
});
