// P3: passwords that are tried first. Elsewhere the list of common ones was asked at sign-up only, and a change of
// password let them in; or a digit behind a listed one, or a zero in it, made it acceptable. Here what is listed, its
// simple variants, what is made of the service's or the owner's own name or email, and what a service of breached
// passwords knows, is refused with all reasons at once, on every path that sets a password.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { post, resetToken } from '../helpers/mailed.ts';
import { call, freshEmail, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';
import { type RangeService, startRangeService } from '../helpers/range-service.ts';
import { roster } from '../helpers/roster.ts';

const LOCAL_PART = 'ada.byron';
const OWNER = { firstName: 'Augusta', lastName: 'Lovelace' };

const GUESSABLE: Record<string, [password: string, ...codes: string[]]> = {
  'a listed one, which is short as well': ['password1', 'too-short', 'too-common'],
  'a listed one, in other cases': ['PaSsWoRd', 'too-short', 'too-common'],
  'a listed one, in full width': ['ｐａｓｓｗｏｒｄ', 'too-short', 'too-common'],
  'a listed one, again and again': ['passwordpassword', 'too-common'],
  'a listed one with digits behind': ['password12345678', 'too-common'],
  'a listed one between signs': ['!!!!sunshine!!!!', 'too-common'],
  'a listed one in look-alikes, with a date': ['$unsh1ne20240131', 'too-common'],
  'a listed one in look-alikes, again and again': ['P4$$w0rd-p@55word', 'too-common'],
  'a listed one, spread out': ['p.a.s.s.w.o.r.d.1', 'too-common'],
  'one character, many times': ['aaaaaaaaaaaaaaaaaa', 'too-common'],
  'a row of characters': ['abcdefghijklmnopq', 'too-common'],
  'a row of digits': ['123456789012345678', 'too-common'],
  'the service': ['roster roster roster', 'too-common', 'contextual'],
  'the service, and it is short': ['Roster-2024', 'too-short', 'contextual'],
  'the own email': [`${LOCAL_PART}@example.com`, 'contextual'],
  'the part of it before the @': [`${LOCAL_PART} ${LOCAL_PART}`, 'contextual'],
  'the own names': ['augusta lovelace', 'too-common', 'contextual'],
  'the own last name, with a year': ['Lovelace-Lovelace-1815', 'too-common', 'contextual'],
  'the own last name, with a date': ['lovelace-18151210', 'too-common', 'contextual'],
  'the own last name in look-alikes': ['L0v3l4c3-1815-!!', 'too-common', 'contextual'],
  'the own last name, spread out': ['l o v e l a c e 1', 'too-common', 'contextual'],
  // Of the names above, both are listed; the part before the @ is not.
  'the part of the own email, with a date': ['adabyron-18151210', 'contextual'],
  'the part of the own email in look-alikes': ['4d4.8yr0n-1815!!', 'contextual'],
  'the domain of the own email': ['example.com-1815', 'too-common', 'contextual'],
  'the service and a listed one': ['R0ster-$unsh1ne1', 'contextual'],
  'the own names without marks': ['AUGUSTÀ LÓVELACÉ', 'too-common', 'contextual'],
};

// Commands are compiled and started.
vi.setConfig({ testTimeout: 60_000 });

let service: TestApp;
let ada: Person;
/** A refused password does not use it up. */
let reset: string;
beforeAll(async () => {
  service = await buildTestApp();
  const email = `${LOCAL_PART}@example.com`;
  await call(service, 'POST', '/v1/users', { email, password: PASSWORD, ...OWNER });
  ada = await signIn(service, email);
  reset = await resetToken(service, email);
});
afterAll(() => service.close());

interface Path {
  readonly path: string;
  readonly pointer: string;
  set(password: string): ReturnType<typeof call>;
}

const PATHS: Path[] = [
  {
    path: 'sign-up',
    pointer: '/password',
    set: (password) => call(service, 'POST', '/v1/users', { email: `${LOCAL_PART}@example.com`, password, ...OWNER }),
  },
  {
    path: 'change of password',
    pointer: '/newPassword',
    set: (newPassword) => ada.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword }),
  },
  {
    path: 'reset',
    pointer: '/newPassword',
    set: (newPassword) => post(service, '/v1/password-resets/confirm', { token: reset, newPassword }),
  },
];

describe.each(PATHS)('$path', ({ pointer, set }) => {
  it.each(Object.entries(GUESSABLE))('refuses %s, with all reasons', async (_, [password, ...codes]) => {
    const response = await set(password);
    expect([response.statusCode, response.json().code], response.body).toEqual([400, 'password-unacceptable']);
    const errors = response.json().errors as { pointer: string; code: string }[];
    expect(errors.map(({ code }) => code).sort()).toEqual([...codes].sort());
    expect(errors.every((error) => error.pointer === pointer)).toBe(true);
  });
});

describe('what a service of breached passwords knows', () => {
  const BREACHED = 'nine purple walrus tusks';
  const UNKNOWN = 'nine purple walrus flippers';
  let breaches: RangeService;
  let checked: TestApp;
  let grace: Person;
  beforeAll(async () => {
    breaches = await startRangeService();
    breaches.know(BREACHED);
    checked = await service.another(environment('5000'));
    grace = await person(service);
  });
  beforeEach(() => {
    breaches.asked.length = 0;
    breaches.answer = undefined;
  });
  afterAll(() => breaches.close());

  const environment = (timeoutMs: string) => ({
    PASSWORD_RANGE_CHECK_URL: breaches.url,
    PASSWORD_RANGE_CHECK_TIMEOUT_MS: timeoutMs,
  });
  const signUp = (password: string, on = checked, more: Record<string, string> = {}) =>
    call(on, 'POST', '/v1/users', { email: freshEmail(), password, ...more });
  const change = (newPassword: string) =>
    grace.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword }, { on: checked });
  const checkedPaths = [
    { path: 'sign-up', pointer: '/password', set: (password: string) => signUp(password) },
    { path: 'change of password', pointer: '/newPassword', set: change },
  ];

  it.each(checkedPaths)('is refused at $path', async ({ pointer, set }) => {
    const response = await set(BREACHED);
    expect([response.statusCode, response.json().code]).toEqual([400, 'password-unacceptable']);
    expect(response.json().errors).toEqual([
      { pointer, code: 'breached', detail: 'is known from a breach of another service' },
    ]);
    expect(breaches.asked).toHaveLength(1);
  });

  it('is refused by the command that makes an admin, before it looks for a database', async () => {
    const { code, stderr } = await createAdmin(BREACHED);
    expect(stderr).toContain('password is known from a breach of another service');
    expect(code).toBe(2);
    expect(breaches.asked).toHaveLength(1);
  });

  const createAdmin = (password: string) =>
    roster(['admin', 'create', '--email', freshEmail('grace'), '--password-stdin'], {
      input: `${password}\n`,
      env: {
        MONGODB_URI: 'mongodb://127.0.0.1:1/nowhere',
        ...environment('5000'),
        MONGODB_SERVER_SELECTION_TIMEOUT_MS: '50',
      },
    });

  it('is only asked for when nothing else speaks against the input', async () => {
    expect((await signUp('password1')).statusCode).toBe(400);
    expect((await signUp(BREACHED, checked, { firstName: '<b>' })).statusCode).toBe(400);
    expect(breaches.asked).toHaveLength(0);
  });

  it('is nobody asked for unless the operator names whom', async () => {
    expect((await signUp(BREACHED, service)).statusCode).toBe(201);
    expect(breaches.asked).toHaveLength(0);
  });

  const failures: [string, NonNullable<RangeService['answer']>, string][] = [
    ['answers 500', (response) => void response.writeHead(500).end(), 'PasswordRangeError'],
    ['answers with something else', (response) => void response.end('<html>'), 'PasswordRangeError'],
    ['answers too much', (response) => void response.end('A'.repeat(1_000_000)), 'PasswordRangeError'],
    ['cuts the connection', (response) => void response.destroy(), 'TypeError'],
  ];
  it.each(failures)(
    'is let in when the service %s, with one line in the log that tells nothing of it',
    async (...row) => {
      const [, answer, type] = row;
      breaches.answer = answer;
      const instance = await service.another(environment('5000'));
      expect((await signUp(BREACHED, instance)).statusCode).toBe(201);
      expectOneWarning(instance, type);
    },
  );

  it('is let in when the service does not answer in time', async () => {
    breaches.answer = () => {};
    const instance = await service.another(environment('50'));
    expect((await signUp(BREACHED, instance)).statusCode).toBe(201);
    expectOneWarning(instance, 'TimeoutError');
  });

  it('is let in by the command too, which says so', async () => {
    breaches.answer = (response) => void response.writeHead(500).end();
    const { stderr } = await createAdmin(UNKNOWN);
    expect(stderr).toContain(
      'Warning: a password was accepted although the service of breached passwords could not be used (The answer has the status 500)',
    );
    expect(stderr).not.toContain('No account was created');
  });

  function expectOneWarning(instance: TestApp, type: string): void {
    const warnings = instance.logged().filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ err: { type }, requestId: expect.any(String) }]);
    const hash = createHash('sha1').update(BREACHED).digest('hex');
    for (const secret of [BREACHED, hash.slice(0, 5), hash.slice(5)])
      expect(JSON.stringify(warnings).toLowerCase()).not.toContain(secret);
  }

  it('stays with who sets it: the service is sent five digits of a hash', async () => {
    expect((await change(UNKNOWN)).statusCode).toBe(204);
    const hash = createHash('sha1').update(UNKNOWN).digest('hex').toUpperCase();
    expect(breaches.asked.map(({ url }) => url)).toEqual([`/range/${hash.slice(0, 5)}`]);
    expect(breaches.asked[0]?.rawHeaders.join()).not.toContain(hash.slice(5));
  });
});

it('whatever hashes a new password asks first whether it is acceptable', () => {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const hashing = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, source: readFileSync(join(root, file), 'utf8') }))
    .filter(({ source }) => /\b(?:passwords|passwordsOf\(\w+\))\.hash\(/.test(source));
  const unasked = hashing.filter(({ source }) => !source.includes('await assertAcceptablePassword('));
  expect(hashing.length).toBeGreaterThan(unasked.length);
  expect(unasked.map(({ file }) => file).sort()).toEqual([
    'explain/scene.ts', // an account of its own, in a database that is thrown away
    'lib/argon2-calibration.ts', // measures, and keeps nothing
    'restore/examine.ts', // the same
    'routes/sessions.ts', // the password that the account has, at another cost
  ]);
});

it('a change of password goes by the names that the account has now', async () => {
  const set = PATHS[1]?.set;
  await ada.call('PATCH', '/v1/users/me', { lastName: 'Somerville' });
  expect((await set?.('somerville somerville 1780'))?.json().errors).toMatchObject([{ code: 'contextual' }]);
  expect((await set?.('lovelace was never my name'))?.statusCode).toBe(204);
});

it('sign-up tells of the password and of everything else that is wrong at once', async () => {
  const response = await call(service, 'POST', '/v1/users', {
    email: 'nobody',
    password: 'password1',
    firstName: '<b>',
  });
  const found = response.json().errors.map(({ pointer, code }: Record<string, string>) => `${pointer} ${code}`);
  expect(found.sort()).toEqual([
    '/email invalid-email',
    '/firstName empty-name',
    '/password too-common',
    '/password too-short',
  ]);
});

it('the command that makes an admin refuses them too, before it looks for a database', () => {
  const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const args = ['admin', 'create', '--email', freshEmail('grace'), '--last-name', 'Hopper', '--password-stdin'];
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], {
    input: 'Hopper-1906\n',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', MONGODB_URI: 'mongodb://127.0.0.1:1/nowhere' },
  });
  expect(stderr).toContain('password must have at least 15 characters');
  expect(stderr).toContain('password must not be built from the name of the service, the email or the names');
  expect(status).not.toBe(0);
});
