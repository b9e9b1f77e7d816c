// I5: search text taken for a pattern. Elsewhere `.*` listed everybody, and `(a+)+$` kept the database or the event loop
// busy for minutes. Here the text is literal: a range of an index, however many regex characters are in it.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { withCommands } from '../helpers/commands.ts';
import { attempt, operationsOf } from '../helpers/operations.ts';
import { freshEmail, type Person, person } from '../helpers/people.ts';

const PATTERNS = [
  '.*',
  '.',
  '^',
  '$',
  '',
  '[a-z]',
  '(?i)eve',
  'e|m',
  'ev.',
  'eve|mallory',
  '\\w+',
  'ev\\u0065',
  '%',
  'ev_',
  '*',
  '?',
  '{"$regex":"."}',
];

/** Each of them makes a backtracking engine try for longer than the universe is old. */
const EXPLOSIVE = ['(a+)+$', '(a|aa)+$', '([a-zA-Z]+)*$', '(.*a){20}', '(\\s+)+$'];

const BOUND_MS = 50;
const TRIES = 5;

/** Whether the event loop stayed responsive in at least one of some tries: a busy machine stops it for reasons of its own. */
async function expectNoLag(what: string, work: () => Promise<unknown>): Promise<void> {
  const lags: number[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await work();
    delay.disable();
    lags.push(delay.max / 1e6);
    if (delay.max / 1e6 < BOUND_MS) return;
  }
  expect.fail(`${what}: the event loop lagged ${lags.map(Math.round).join(', ')} ms`);
}

let service: TestApp;
let admin: Person;
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  const at = new Date();
  const names = ['Eve', 'Mallory', `${'a'.repeat(99)}!`, ...PATTERNS.filter(Boolean)];
  await User.insertMany(
    names.map((firstName) => ({
      email: freshEmail('search'),
      firstName,
      firstNameKey: firstName.toLowerCase(),
      createdAt: at,
      updatedAt: at,
    })),
  );
});
afterAll(() => service.close());

const search = (q: string) => admin.call('GET', '/v1/admin/users', undefined, { query: { q, limit: '100' } });

/** Everything in a command, whatever it is nested in. */
function* valuesIn(value: unknown): Generator<[key: string, value: unknown]> {
  if (typeof value !== 'object' || value === null || value instanceof Date) return;
  for (const [key, child] of Object.entries(value)) {
    yield [key, child];
    yield* valuesIn(child);
  }
}

describe('a search', () => {
  it.each(PATTERNS.filter(Boolean))('for %s finds what begins with these characters', async (q) => {
    const found = (await search(q)).json().items.map(({ firstName }: { firstName?: string }) => firstName);
    const expected = PATTERNS.filter((name) => name.toLowerCase().startsWith(q.toLowerCase()));
    expect(found.sort()).toEqual([...expected].sort());
  });

  it.each([...PATTERNS.filter(Boolean), ...EXPLOSIVE])(
    'for %s asks the database for ranges, not for a pattern',
    async (q) => {
      const { sent } = await withCommands(() => search(q));
      const finds = sent.filter(({ name }) => name === 'find users');
      expect(finds.length).toBeGreaterThan(0);
      for (const { command } of finds)
        for (const [key, value] of valuesIn(command)) {
          expect(['$regex', '$where', '$text', '$expr', '$function', '$options']).not.toContain(key);
          expect(value).not.toBeInstanceOf(RegExp);
          expect((value as { _bsontype?: string } | null)?._bsontype).not.toBe('BSONRegExp');
        }
    },
  );

  it('keeps the event loop free', async () => {
    for (const pattern of EXPLOSIVE)
      await expectNoLag(pattern, () => search(`${pattern}${'a'.repeat(80)}!`.slice(0, 100)));
  });

  it('that is empty or too long is refused', async () => {
    for (const q of ['', 'a'.repeat(101)]) expect((await search(q)).statusCode).toBe(400);
  });
});

it('no text in any field makes the service itself backtrack', async () => {
  const texts = [
    `${'a'.repeat(40)}!`,
    `${' '.repeat(96)}x`,
    `${'<'.repeat(98)}a`,
    '<a '.repeat(33),
    `a@${'a.'.repeat(48)}`,
    `${'.a'.repeat(48)}@`,
    `https://${'a-'.repeat(40)}.`,
    'ab'.repeat(40),
    `${'0'.repeat(60)}a${'0'.repeat(30)}`,
    '\u200d'.repeat(99),
  ];
  for (const operation of operationsOf(service).filter(({ textPlaces }) => textPlaces.length > 0)) {
    const fields = operation.textPlaces.map(({ pointer }) => pointer.slice(1)).filter((path) => !path.includes('/'));
    for (const text of texts)
      await expectNoLag(`${operation.name} ${text}`, async () => {
        const body = Object.fromEntries(fields.map((field) => [field, text]));
        expect((await attempt(service, operation, admin, body)).statusCode).toBeLessThan(500);
      });
  }
}, 60_000);
