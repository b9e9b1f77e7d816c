// What others published about each family of hashes that are imported, so that none is only right by our own account.

import argon2 from 'argon2';
import { describe, expect, it } from 'vitest';
import { inspectHash } from '../../src/lib/password-hash.ts';
import { formatFirebaseScrypt } from '../../src/lib/password-hashes/firebase-scrypt.ts';
import { formatPbkdf2, type Pbkdf2Function } from '../../src/lib/password-hashes/pbkdf2.ts';
import { formatPhc } from '../../src/lib/password-hashes/phc.ts';
import { formatSaltedSha, type SaltPosition, type ShaFunction } from '../../src/lib/password-hashes/salted-sha.ts';
import { createPasswords } from '../../src/lib/passwords.ts';

const cost = { memoryKiB: 64, passes: 1, parallelism: 1, maxQueue: 100 };
const passwords = createPasswords(cost);
const right = { valid: true, renew: true };
const wrong = { valid: false, renew: false };

async function expectVector(hash: string, password: string, by = passwords): Promise<void> {
  expect(hash.length).toBeLessThanOrEqual(255);
  expect(await by.verify(hash, password)).toEqual(right);
  expect(await by.verify(hash, `${password}!`)).toEqual(wrong);
}

const utf8 = (text: string): Buffer => Buffer.from(text);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const base64 = (text: string): Buffer => Buffer.from(text, 'base64');

describe('scrypt, RFC 7914 section 12', () => {
  it.each([
    [
      'password',
      'NaCl',
      { ln: 10, r: 8, p: 16 },
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    ],
    [
      'pleaseletmein',
      'SodiumChloride',
      { ln: 14, r: 8, p: 1 },
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    ],
  ])('%s', (password, salt, parameters, digest) =>
    expectVector(formatPhc('scrypt', parameters, utf8(salt), hex(digest)), password),
  );
});

describe('Firebase scrypt', () => {
  const parameters = { memCost: 14, rounds: 8, saltSeparator: base64('Bw==') };

  it.each([
    [
      'the README of firebase/scrypt',
      'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
      '42xEC+ixf3L2lw==',
      'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
      'user1password',
    ],
    [
      'the tests of supabase/auth',
      'ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==',
      'C0sHCg9ek77hsg==',
      'zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==',
      'mytestpassword',
    ],
  ])('%s', async (_, signerKey, salt, digest, password) => {
    const hash = formatFirebaseScrypt(parameters, base64(salt), base64(digest));
    await expectVector(hash, password, createPasswords({ ...cost, firebaseScryptKey: base64(signerKey) }));
    expect(await createPasswords({ ...cost, firebaseScryptKey: base64('AAAA') }).verify(hash, password)).toEqual(wrong);
    expect(await passwords.verify(hash, password)).toEqual({ ...wrong, corrupt: true });
  });
});

describe('PBKDF2', () => {
  it.each<[string, Pbkdf2Function, string, string, number, string]>([
    ['RFC 6070', 'sha1', 'password', 'salt', 1, '0c60c80f961f0e71f3a9b524af6012062fe037a6'],
    ['RFC 6070', 'sha1', 'password', 'salt', 4096, '4b007901b765489abead49d926f721d065a429c1'],
    [
      'RFC 6070, of which the first block is kept',
      'sha1',
      'passwordPASSWORDpassword',
      'saltSALTsaltSALTsaltSALTsaltSALTsalt',
      4096,
      '3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038',
    ],
    [
      'RFC 7914 section 11, of which the first block is kept',
      'sha256',
      'passwd',
      'salt',
      1,
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
    ],
    [
      'RFC 7914 section 11',
      'sha256',
      'Password',
      'NaCl',
      80_000,
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
    ],
  ])('%s: %s of %s', (_source, hash, password, salt, iterations, digest) =>
    expectVector(formatPbkdf2(hash, iterations, utf8(salt), hex(digest)), password),
  );
});

describe('salted SHA, of the messages of FIPS 180 cut in two', () => {
  const MESSAGE = 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq';
  const LONGER =
    'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu';
  const vectors: [ShaFunction, string, string][] = [
    ['sha1', MESSAGE, '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
    ['sha256', MESSAGE, '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
    [
      'sha512',
      LONGER,
      '8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909',
    ],
  ];
  const positions: SaltPosition[] = ['prefix', 'suffix'];

  it.each(vectors.flatMap((vector) => positions.map((position) => [position, ...vector] as const)))(
    'salt as %s, %s',
    (position, hash, message, digest) => {
      const parts = [message.slice(0, 16), message.slice(16)] as const;
      const [salt, password] = position === 'prefix' ? parts : [parts[1], parts[0]];
      return expectVector(formatSaltedSha(hash, position, utf8(salt), hex(digest)), password);
    },
  );
});

describe('bcrypt, the vectors of jBCrypt', () => {
  it.each([
    ['', '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'],
    ['a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
    ['abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
    ['abcdefghijklmnopqrstuvwxyz', '$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC'],
    ['~!@#$%^&*()      ~!@#$%^&*()PNBFRD', '$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO'],
  ])('%j', (password, hash) => expectVector(hash, password));
});

describe('argon2', () => {
  it.each([
    ['argon2d', argon2.argon2d, '512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb'],
    ['argon2i', argon2.argon2i, 'c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8'],
    ['argon2id', argon2.argon2id, '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659'],
  ] as const)('%s, RFC 9106 section 5, by the library that verifies it', async (_, type, tag) => {
    const made = await argon2.hash(Buffer.alloc(32, 1), {
      type,
      raw: true,
      salt: Buffer.alloc(16, 2),
      secret: Buffer.alloc(8, 3),
      associatedData: Buffer.alloc(12, 4),
      timeCost: 3,
      memoryCost: 32,
      parallelism: 4,
      hashLength: 32,
    });
    expect(made.toString('hex')).toBe(tag);
  });

  it.each([
    ['$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'password'],
    ['$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA', 'password'],
  ])('%s, of the reference implementation', (hash, password) => expectVector(hash, password));
});

it('a PHC string of each family is read as it is written', () => {
  for (const hash of [
    '$scrypt$ln=14,r=8,p=1$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$firebase-scrypt$ln=14,r=8,sep=Bw$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$pbkdf2-sha512$i=210000$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    `$sha1$salt=suffix$c2FsdA$${'A'.repeat(27)}`,
  ])
    expect(inspectHash(hash)).not.toHaveProperty('problem');
});
