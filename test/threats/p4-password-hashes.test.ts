// P4: hashes that are cheap to break, or that break the service. Elsewhere imported MD5 or weak bcrypt hashes stayed for
// years, and a malformed one in the database was a 500 for its owner. Here new hashes are argon2id with at least 19 MiB,
// 2 passes and 1 lane (OWASP), others are renewed at the next sign-in, and a corrupt one fails like a wrong password.
// Nor does a hash that is cheap to check tell by its speed who has an account.

import { createCipheriv, createHash, pbkdf2Sync, scryptSync } from 'node:crypto';
import argon2 from 'argon2';
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { formatFirebaseScrypt } from '../../src/lib/password-hashes/firebase-scrypt.ts';
import { formatPbkdf2 } from '../../src/lib/password-hashes/pbkdf2.ts';
import { formatPhc } from '../../src/lib/password-hashes/phc.ts';
import { formatSaltedSha } from '../../src/lib/password-hashes/salted-sha.ts';
import { createPasswords } from '../../src/lib/passwords.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, REAL_HASH, type TestApp } from '../helpers/app.ts';
import { call, freshEmail, PASSWORD, person } from '../helpers/people.ts';
import { quickest } from '../helpers/quickest.ts';

const CURRENT = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;

const SALT = Buffer.from('some salt');
const SIGNER_KEY = Buffer.alloc(64, 's');
const saltedSha = (password: string): string =>
  formatSaltedSha('sha256', 'prefix', SALT, createHash('sha256').update(SALT).update(password).digest());
const pbkdf2 = (password: string): string =>
  formatPbkdf2('sha512', 1_000, SALT, pbkdf2Sync(password, SALT, 1_000, 64, 'sha512'));
const scrypt = (password: string): string =>
  formatPhc(
    'scrypt',
    { ln: 14, r: 16, p: 1 },
    SALT,
    scryptSync(password, SALT, 64, { N: 2 ** 14, r: 16, maxmem: 2 ** 26 }),
  );

function firebaseScrypt(password: string): string {
  const key = scryptSync(password, Buffer.concat([SALT, Buffer.from([7])]), 32, { N: 2 ** 10, r: 8 });
  const digest = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(SIGNER_KEY);
  return formatFirebaseScrypt({ memCost: 10, rounds: 8, saltSeparator: Buffer.from([7]) }, SALT, digest);
}

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ ...REAL_HASH, FIREBASE_SCRYPT_KEY: SIGNER_KEY.toString('base64') });
});
afterAll(() => service.close());

const hashOf = async (email: string): Promise<string | null | undefined> =>
  (await User.findOne({ email }).select('+passwordHash').lean())?.passwordHash;

const signIn = (email: string, password = PASSWORD, at = service) =>
  call(at, 'POST', '/v1/sessions', { email, password });

/** An account with this hash, as an import leaves it. */
async function imported(passwordHash: string): Promise<string> {
  const at = new Date();
  const { email } = await User.create({ email: freshEmail('imported'), passwordHash, createdAt: at, updatedAt: at });
  return email;
}

describe('a new hash', () => {
  it('is argon2id with the recommended cost, after sign-up and after a change', async () => {
    const ada = await person(service);
    const first = await hashOf(ada.email);
    expect(first).toMatch(CURRENT);
    const newPassword = 'an entirely new pass phrase';
    await ada.call('PUT', '/v1/users/me/password', { currentPassword: PASSWORD, newPassword });
    const second = await hashOf(ada.email);
    expect(second).toMatch(CURRENT);
    expect(second).not.toBe(first);
  });

  it('of the same password has another salt', async () => {
    const [one, other] = await Promise.all([person(service), person(service)]);
    expect(await hashOf(one.email)).not.toBe(await hashOf(other.email));
  });

  it.each([{ ARGON2_MEMORY_KIB: '19455' }, { ARGON2_PASSES: '1' }, { ARGON2_PARALLELISM: '0' }])(
    'cannot be made cheaper by %o',
    (setting) => {
      expect(() => loadConfig({ NODE_ENV: 'test', ...setting })).toThrow(ConfigError);
    },
  );
});

describe('a hash of another kind or cost', () => {
  const options = { memoryCost: 8_192, timeCost: 1, parallelism: 1 };
  const kinds: [string, () => Promise<string>][] = [
    ['argon2id, cheaper', () => argon2.hash(PASSWORD, options)],
    ['argon2i', () => argon2.hash(PASSWORD, { ...options, type: argon2.argon2i })],
    ['argon2d', () => argon2.hash(PASSWORD, { ...options, type: argon2.argon2d })],
    ['argon2id, dearer', () => argon2.hash(PASSWORD, { ...options, memoryCost: 32_768, timeCost: 3 })],
    ['bcrypt $2b', () => bcrypt.hash(PASSWORD, 4)],
    ['bcrypt $2y', async () => (await bcrypt.hash(PASSWORD, 4)).replace('$2b', '$2y')],
    ['scrypt', async () => scrypt(PASSWORD)],
    ['Firebase scrypt', async () => firebaseScrypt(PASSWORD)],
    ['PBKDF2', async () => pbkdf2(PASSWORD)],
    ['salted SHA', async () => saltedSha(PASSWORD)],
  ];

  it.each(kinds)('(%s) signs in and is renewed, once', async (_, make) => {
    const before = await make();
    const email = await imported(before);
    expect((await signIn(email, 'a wrong pass phrase')).statusCode).toBe(401);
    expect(await hashOf(email)).toBe(before);
    expect((await signIn(email)).statusCode).toBe(201);
    const renewed = await hashOf(email);
    expect(renewed).toMatch(CURRENT);
    expect((await signIn(email)).statusCode).toBe(201);
    expect(await hashOf(email)).toBe(renewed);
    expect(await AuditEvent.countDocuments({ action: 'session.created', changes: 'passwordHash' })).toBeGreaterThan(0);
  });

  it('of Firebase opens nothing where the signer key is not known', async () => {
    const email = await imported(firebaseScrypt(PASSWORD));
    const without = await service.another({ FIREBASE_SCRYPT_KEY: '' });
    expect((await signIn(email, PASSWORD, without)).statusCode).toBe(401);
    expect((await signIn(email)).statusCode).toBe(201);
  });

  it('of scrypt matches also what its maker folded by NFKC, and is renewed as it was typed', async () => {
    const typed = 'the ﬁfth ﬂower, № 5 …';
    const email = await imported(scrypt(typed.normalize('NFKC')));
    expect((await signIn(email, typed)).statusCode).toBe(201);
    expect(await hashOf(email)).toMatch(CURRENT);
    expect((await signIn(email, typed)).statusCode).toBe(201);
  });

  it('that takes no time to check takes about as long as that of nobody', async () => {
    const passwords = createPasswords({ memoryKiB: 19_456, passes: 2, parallelism: 1, maxQueue: 10 });
    const ofNobody = await quickest(0, () => passwords.verify(undefined, 'a wrong pass phrase'));
    const ofSha = await quickest(0, () => passwords.verify(saltedSha(PASSWORD), 'a wrong pass phrase'));
    // The SHA alone takes less than a hundredth; a busy machine makes no more than a few times a difference.
    expect(ofSha).toBeGreaterThan(ofNobody / 8);
  });

  it('is renewed to what the instance is set to', async () => {
    const dearer = await service.another({ ARGON2_PASSES: '3' });
    const { email } = await person(service);
    expect((await signIn(email, PASSWORD, dearer)).statusCode).toBe(201);
    expect(await hashOf(email)).toContain('$m=19456,t=3,p=1$');
  });
});

describe('a corrupt hash', () => {
  const digest = 'A'.repeat(43);
  it.each([
    ['a word', 'secret'],
    ['the password itself', PASSWORD],
    ['MD5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['an unknown scheme', '$pomelo$t=16$AAAA$AAAA'],
    ['scrypt that is cut', '$scrypt$ln=16,r=8,p=1$AAAA$AAAA'],
    ['scrypt that would take all memory', `$scrypt$ln=24,r=8,p=1$AAAA$${digest}`],
    ['Firebase scrypt that would take all memory', `$firebase-scrypt$ln=24,r=8,sep=Bw$AAAA$${digest}`],
    ['PBKDF2 that would take for ever', `$pbkdf2-sha256$i=4294967295$AAAA$${digest}`],
    ['SHA without a salt', `$sha256$salt=prefix$$${digest}`],
    ['argon2 that is cut', '$argon2id$v=19$m=19456,t=2,p=1$'],
    ['argon2 without a cost', `$argon2id$v=19$$AAAAAAAAAAAAAAAAAAAAAA$${digest}`],
    ['argon2 that would take all memory', `$argon2id$v=19$m=4194304,t=10,p=8$AAAAAAAAAAAAAAAAAAAAAA$${digest}`],
    ['argon2 that would take for ever', `$argon2id$v=19$m=19456,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$${digest}`],
    ['bcrypt that is cut', '$2b$10$abcdefghijklmnopqrstuv'],
    ['bcrypt that would take for ever', `$2b$31$${'a'.repeat(53)}`],
    ['nothing', ''],
  ])('(%s) fails like a wrong password, in as little time, and is left alone', async (_, hash) => {
    const email = await imported('x');
    await User.collection.updateOne({ email }, { $set: { passwordHash: hash } });
    const ms = await quickest(2_000, async () => {
      const response = await signIn(email);
      expect([response.statusCode, response.json().code]).toEqual([401, 'invalid-credentials']);
    });
    expect(ms).toBeLessThan(2_000);
    expect(await hashOf(email)).toBe(hash);
    expect(service.log()).not.toContain('"level":"error"');
  });

  it('lets nobody change the password by any password', async () => {
    const ada = await person(service);
    await User.collection.updateOne({ email: ada.email }, { $set: { passwordHash: 'corrupt' } });
    const change = { currentPassword: PASSWORD, newPassword: 'an entirely new pass phrase' };
    const response = await ada.call('PUT', '/v1/users/me/password', change);
    expect([response.statusCode, response.json().code]).toEqual([403, 'wrong-password']);
  });
});
