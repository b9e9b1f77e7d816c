import { readFile } from 'node:fs/promises';
import argon2 from 'argon2';
import bcrypt from 'bcrypt';
import { describe, expect, it } from 'vitest';
import { HashingOverloadError } from '../../src/lib/hashing-queue.ts';
import { createPasswords } from '../../src/lib/passwords.ts';

const cost = { memoryKiB: 64, passes: 1, parallelism: 1 };
const passwords = createPasswords({ ...cost, maxQueue: 100 });
const accepted = { valid: true, renew: false };
const outdated = { valid: true, renew: true };
const refused = { valid: false, renew: false };

describe('hashing', () => {
  it('makes argon2id hashes of the given cost, that fit the stored field and never repeat', async () => {
    const [one, two] = await Promise.all([passwords.hash('same password'), passwords.hash('same password')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
    expect(one.length).toBeLessThanOrEqual(255);
    expect(two).not.toBe(one);
  });

  it('works at the cost of production with the pinned package', async () => {
    const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(manifest).toHaveProperty('dependencies.argon2', '0.44.0');
    const production = createPasswords({ memoryKiB: 19_456, passes: 2, parallelism: 1, maxQueue: 10 });
    const hash = await production.hash('correct horse battery staple');
    expect(hash).toContain('m=19456,t=2,p=1');
    expect(await production.verify(hash, 'correct horse battery staple')).toEqual(accepted);
  });

  it('refuses a cost whose hashes would not be accepted back', () => {
    expect(() => createPasswords({ ...cost, memoryKiB: 524_288, maxQueue: 1 })).toThrow(/is above/);
    expect(() => createPasswords({ ...cost, passes: 0, maxQueue: 1 })).toThrow(RangeError);
    expect(() => createPasswords({ ...cost, concurrency: 0, maxQueue: 1 })).toThrow(RangeError);
  });
});

describe('verifying', () => {
  it.each([
    ['plain', 'correct horse battery staple'],
    ['empty', ''],
    ['spaces at the ends', '  padded  '],
    ['emoji', '🔑🐎🔋📎 and some words'],
    ['a NUL', 'before\0after'],
    ['256 characters of four bytes', '𝒳'.repeat(256)],
  ])('accepts what was hashed and nothing near it: %s', async (_, password) => {
    const hash = await passwords.hash(password);
    expect(await passwords.verify(hash, password)).toEqual(accepted);
    for (const near of [`${password} `, ` ${password}`, `${password}\0`, password.slice(0, -1) || 'x']) {
      expect(await passwords.verify(hash, near)).toEqual(refused);
    }
  });

  it('takes composed and decomposed spellings for the same password, both ways', async () => {
    const [composed, decomposed] = ['Café Müller Ångström', 'Café Müller Ångström'.normalize('NFD')];
    expect(decomposed).not.toBe(composed);
    expect(await passwords.verify(await passwords.hash(composed), decomposed)).toEqual(accepted);
    expect(await passwords.verify(await passwords.hash(decomposed), composed)).toEqual(accepted);
  });

  it('never accepts anything where there is no hash', async () => {
    expect(await passwords.verify(undefined, '')).toEqual(refused);
    expect(await passwords.verify(undefined, 'correct horse battery staple')).toEqual(refused);
  });

  it.each([
    '',
    'password',
    '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA',
    '$argon2id$v=19$m=4194304,t=1000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$2b$31$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi',
    '$2b$10$short',
  ])('answers a corrupt hash %j without throwing or running it', async (hash) => {
    expect(await passwords.verify(hash, 'password')).toEqual({ ...refused, corrupt: true });
  });
});

/** Published by the makers: the argon2 reference implementation's tests, PHP's manual and crypt(3). */
const imported = [
  ['$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'password'],
  ['$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA', 'password'],
  ['$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ', 'password'],
  ['$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi', 'rasmuslerdorf'],
  ['$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq', 'rasmuslerdorf'],
] as const;

describe('imported hashes', () => {
  it.each(imported)('%s verifies and is due for renewal', async (hash, password) => {
    expect(await passwords.verify(hash, password)).toEqual(outdated);
    expect(await passwords.verify(hash, `${password}!`)).toEqual(refused);
  });

  it('are renewed at any other cost, so that in the end all cost the same', async () => {
    const base = { memoryCost: 64, timeCost: 1, parallelism: 1 };
    for (const other of [
      { ...base, memoryCost: 128 },
      { ...base, memoryCost: 32 },
      { ...base, timeCost: 2 },
      { ...base, parallelism: 2 },
      { ...base, type: argon2.argon2i },
      { ...base, type: argon2.argon2d },
      { ...base, version: 16 },
    ]) {
      expect(await passwords.verify(await argon2.hash('secret', other), 'secret')).toEqual(outdated);
    }
    expect(await passwords.verify(await argon2.hash('secret', base), 'secret')).toEqual(accepted);
  });

  it.each(['2a', '2b', '2y'])(
    '$%s verifies long passwords by their first 72 bytes, and is then left alone',
    async (kind) => {
      // 280 bytes: counted modulo 256, as old implementations of $2a do, only 24 of them would be looked at.
      const long = `A phrase that is longer than the seventy-two bytes of bcrypt's key and é: ${'tail '.repeat(41)}`;
      expect(Buffer.byteLength(long)).toBe(280);
      const hash = (await bcrypt.hash(Buffer.from(long).subarray(0, 72), 4)).replace('$2b', `$${kind}`);
      expect(await passwords.verify(hash, long)).toEqual(accepted);
      // The tail was never checked, so it must not become part of a new hash.
      expect(await passwords.verify(hash, `${long.slice(0, 72)} with another tail`)).toEqual(accepted);
      expect(await passwords.verify(hash, long.replace('key', 'cut'))).toEqual(refused);
    },
  );

  it('of bcrypt are renewed up to exactly 72 bytes', async () => {
    const fits = 'p'.repeat(72);
    expect(await passwords.verify(await bcrypt.hash(fits, 4), fits)).toEqual(outdated);
    expect(await passwords.verify(await bcrypt.hash(fits, 4), `${fits}x`)).toEqual(accepted);
  });
});

describe('under load', () => {
  it('queues, refuses what does not fit, and goes on', async () => {
    const few = createPasswords({ ...cost, concurrency: 1, maxQueue: 2 });
    const calls = Array.from({ length: 5 }, () => few.verify(undefined, 'x'));
    expect(few.stats()).toEqual({ active: 1, queued: 2, rejected: 2 });
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      ...Array(3).fill('fulfilled'),
      ...Array(2).fill('rejected'),
    ]);
    expect(outcomes[4]).toMatchObject({ reason: expect.any(HashingOverloadError) });
    expect(few.stats()).toEqual({ active: 0, queued: 0, rejected: 2 });
    await expect(few.hash('room again')).resolves.toContain('$argon2id$');
  });
});
