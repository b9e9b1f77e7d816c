import argon2 from 'argon2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectHash } from '../../src/lib/password-hash.ts';
import { HASH_BOUNDS } from '../../src/lib/password-hashes/bounds.ts';
import { formatPhc } from '../../src/lib/password-hashes/phc.ts';

const salt = 'c29tZXNhbHQ';
const digest = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const phc = (parameters: string, variant = 'argon2id'): string => `$${variant}$v=19$${parameters}$${salt}$${digest}`;

describe('inspectHash', () => {
  it('reads argon2 parameters by name, in whatever order they stand', async () => {
    const cost = { family: 'argon2', variant: 'argon2id', version: 19, memoryKiB: 65_536, passes: 3, parallelism: 4 };
    for (const order of ['m=65536,t=3,p=4', 't=3,m=65536,p=4', 'p=4,t=3,m=65536']) {
      expect(inspectHash(phc(order))).toEqual(cost);
    }
    expect(inspectHash(`$argon2i$m=65536,t=3,p=4$${salt}$${digest}`)).toEqual({
      ...cost,
      variant: 'argon2i',
      version: 16,
    });
    const made = await argon2.hash('x', { memoryCost: 64, timeCost: 2, parallelism: 1, type: argon2.argon2d });
    expect(inspectHash(made)).toMatchObject({ variant: 'argon2d', memoryKiB: 64, passes: 2, parallelism: 1 });
  });

  it.each(['a', 'b', 'y'])('reads the cost of a $2%s hash', (minor) => {
    expect(inspectHash(`$2${minor}$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi`)).toEqual({
      family: 'bcrypt',
      cost: 7,
    });
  });

  it('accepts the bounds and nothing above them', () => {
    const { memoryKiB: m, passes: t, parallelism: p, bcryptCost } = HASH_BOUNDS;
    expect(inspectHash(phc(`m=${m},t=${t},p=${p}`))).toMatchObject({ memoryKiB: m, passes: t, parallelism: p });
    for (const above of [`m=${m + 1},t=1,p=1`, `m=64,t=${t + 1},p=1`, `m=640,t=1,p=${p + 1}`, 'm=9999999999,t=1,p=1']) {
      expect(inspectHash(phc(above))).toEqual({ problem: expect.stringContaining('is above') });
    }
    const bcrypt = (cost: number): string => `$2b$${String(cost).padStart(2, '0')}$${'a'.repeat(53)}`;
    expect(inspectHash(bcrypt(bcryptCost))).toEqual({ family: 'bcrypt', cost: bcryptCost });
    expect(inspectHash(bcrypt(bcryptCost + 1))).toHaveProperty('problem');
    expect(inspectHash(bcrypt(3))).toHaveProperty('problem');
  });

  it.each([
    ['scrypt', '$scrypt$ln=LN,r=R,p=P$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA'],
    ['Firebase scrypt', '$firebase-scrypt$ln=LN,r=R,sep=Bw$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA'],
  ])('accepts the bounds of %s and nothing above them', (_, form) => {
    const hash = (ln: number, r: number, p = 1) =>
      form.replace('LN', String(ln)).replace('R', String(r)).replace('P', String(p));
    // 2^ln blocks of r * 128 bytes.
    expect(inspectHash(hash(18, 8))).toHaveProperty('cost');
    for (const above of [hash(19, 8), hash(18, 9), hash(14, 129), hash(60, 8), hash(9_999_999_999, 1), hash(1, 4e9)])
      expect(inspectHash(above)).toEqual({ problem: expect.stringContaining('is above 262144 KiB') });
    if (!form.includes('P')) return;
    expect(inspectHash(hash(17, 8, 4))).toHaveProperty('cost');
    expect(inspectHash(hash(17, 8, 5))).toEqual({ problem: expect.stringContaining('524288 KiB for all lanes') });
  });

  it('accepts the bounds of PBKDF2 and nothing above them, and needs one block of a digest', () => {
    const hash = (iterations: number, bytes = 64) =>
      formatPhc('pbkdf2-sha256', { i: iterations }, Buffer.from('salt'), Buffer.alloc(bytes, 1));
    const { pbkdf2Iterations } = HASH_BOUNDS;
    expect(inspectHash(hash(pbkdf2Iterations))).toMatchObject({ family: 'pbkdf2', digest: Buffer.alloc(32, 1) });
    expect(inspectHash(hash(pbkdf2Iterations + 1))).toEqual({ problem: expect.stringContaining('up to 2000000') });
    expect(inspectHash(hash(1, 15))).toHaveProperty('problem');
  });

  it.each([
    '$scrypt$ln=14,r=8$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=14,r=8,p=1,x=1$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=14,ln=1,r=8,p=1$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=0,r=8,p=1$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=14,r=8,p=1$$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=14,r=8,p=1$c2FsdA==$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=14,r=8,p=1$c2FsdB$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$scrypt$ln=14,r=8,p=1$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4',
    '$firebase-scrypt$ln=14,r=8,p=1,sep=Bw$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$firebase-scrypt$ln=14,r=8,sep=Bx$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$pbkdf2-md5$i=1000$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$pbkdf2-constructor$i=1000$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$pbkdf2-sha256$1000$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    '$sha256$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
    `$sha256$salt=none$c2FsdA$${'A'.repeat(43)}`,
    `$sha256$salt=prefix$c2FsdA$${'A'.repeat(42)}`,
    `$sha256$salt=prefix$$${'A'.repeat(43)}`,
    `$md5$salt=prefix$c2FsdA$${'A'.repeat(22)}`,
    '',
    'password',
    '$1$salt$hash',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '$argon2id$',
    '$argon2x$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    phc('m=64,t=1'),
    phc('m=64,t=1,p=1,k=1'),
    phc('m=64,m=64,t=1'),
    phc('m=64,t=1,p=0'),
    phc('m=64,t=0,p=1'),
    phc('m=15,t=1,p=2'),
    phc('m=-64,t=1,p=1'),
    phc('m=64,t=1,p=1').replace('v=19', 'v=18'),
    phc('m=64,t=1,p=1').slice(0, -30),
    phc('m=64,t=1,p=1').replace(salt, 'c2Fs'),
    `${phc('m=64,t=1,p=1')}=`,
    `${phc('m=64,t=1,p=1')}\n`,
    phc('m=64,t=1,p=1').replace(digest, digest.repeat(6)),
    `$2x$10$${'a'.repeat(53)}`,
    `$2$10$${'a'.repeat(53)}`,
    `$2b$10$${'a'.repeat(52)}`,
    `$2b$10$${'a'.repeat(54)}`,
    `$2b$1$${'a'.repeat(53)}`,
    `$2b$10$${'a'.repeat(52)}!`,
  ])('names the problem with %j', (hash) => {
    expect(inspectHash(hash)).toEqual({ problem: expect.stringMatching(/^[A-Za-z].{10,}/) });
  });

  it('answers anything, and never repeats the salt or digest in a problem', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom(
          '',
          '$argon2id$',
          '$argon2id$v=19$m=64,t=1,p=1$',
          '$2b$10$',
          '$scrypt$ln=14,r=8,p=1$',
          '$firebase-scrypt$ln=14,r=8,sep=',
          '$pbkdf2-sha256$i=1$',
          '$sha256$salt=',
        ),
        (text, head) => {
          expect(inspectHash(head + text)).toBeTypeOf('object');
        },
      ),
    );
    const result = inspectHash(phc('m=9999999,t=1,p=1'));
    expect(JSON.stringify(result)).not.toContain(salt);
    expect(JSON.stringify(result)).not.toContain(digest);
  });
});
