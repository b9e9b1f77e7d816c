import argon2 from 'argon2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HASH_BOUNDS, inspectHash } from '../../src/lib/password-hash.ts';

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
    '',
    'password',
    '$1$salt$hash',
    '$scrypt$ln=15,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
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
        fc.constantFrom('', '$argon2id$', '$argon2id$v=19$m=64,t=1,p=1$', '$2b$10$'),
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
