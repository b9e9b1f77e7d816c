import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DecryptionError,
  type FieldContext,
  generateKeyringSpec,
  holdsSampleKey,
  KeyringError,
  parseKeyring,
  SAMPLE_KEYRING,
} from '../../src/lib/keyring.ts';

const [first, second] = [generateKeyringSpec(), generateKeyringSpec()];
const keyring = parseKeyring(first);
const place: FieldContext = { collection: 'credentials', record: '665f1c2ab7e4d1a2b3c4d5e6', field: 'secret' };

const text = fc.string({ minLength: 1, unit: 'grapheme' });
const context = fc.record({ collection: text, record: text, field: text });
const key = (bytes = 32): string => randomBytes(bytes).toString('base64');

describe('encryption of fields', () => {
  it('gives back any bytes and any text, in its own place', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'grapheme' }), context, (bytes, string, where) => {
        expect(keyring.decrypt(keyring.encrypt(bytes, where), where)).toEqual(Buffer.from(bytes));
        expect(keyring.decrypt(keyring.encrypt(string, where), where).toString()).toBe(string);
      }),
    );
  });

  it('fails closed when any one bit of the payload is flipped', () => {
    const prefix = /^v1\.[^.]+\./.exec(keyring.encrypt('x', place))?.[0] ?? '';
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), fc.nat(7), (plaintext, position, bit) => {
        const payload = Buffer.from(keyring.encrypt(plaintext, place).slice(prefix.length), 'base64url');
        const index = position % payload.length;
        payload[index] = (payload[index] ?? 0) ^ (1 << bit);
        const altered = prefix + payload.toString('base64url');
        expect(() => keyring.decrypt(altered, place)).toThrow(DecryptionError);
      }),
    );
  });

  it('fails closed when moved to any other collection, record or field', () => {
    fc.assert(
      fc.property(context, context, (here, there) => {
        fc.pre(JSON.stringify(here) !== JSON.stringify(there));
        expect(() => keyring.decrypt(keyring.encrypt('secret', here), there)).toThrow(DecryptionError);
      }),
    );
    for (const moved of [
      { ...place, collection: 'identities' },
      { ...place, record: '665f1c2ab7e4d1a2b3c4d5e7' },
      { ...place, field: 'token' },
      // The same letters, cut elsewhere.
      { collection: 'credential', record: `s${place.record}`, field: 'secret' },
    ]) {
      expect(() => keyring.decrypt(keyring.encrypt('secret', place), moved)).toThrow(/altered or moved/);
    }
  });

  it('never gives the same ciphertext twice', () => {
    const made = new Set(Array.from({ length: 100 }, () => keyring.encrypt('same', place)));
    expect(made.size).toBe(100);
  });

  it('refuses another key, also under the same id', () => {
    const ciphertext = keyring.encrypt('secret', place);
    expect(() => parseKeyring(second).decrypt(ciphertext, place)).toThrow(/which the keyring lacks/);
    const [id] = first.split(':');
    expect(() => parseKeyring(`${id}:${key()}`).decrypt(ciphertext, place)).toThrow(DecryptionError);
  });

  it('binds the key id: relabelling a ciphertext does not open it', () => {
    const secret = first.split(':')[1];
    const ciphertext = keyring.encrypt('secret', place);
    const relabelled = ciphertext.replace(/^v1\.[^.]+/, 'v1.other');
    expect(() => parseKeyring(`other:${secret}`).decrypt(relabelled, place)).toThrow(/altered or moved/);
  });

  it('refuses what is no ciphertext, and any other spelling of one', () => {
    const good = keyring.encrypt('secret!', place); // 7 bytes leave spare bits in the last base64 character
    const nearby = good.slice(0, -1) + String.fromCharCode(good.charCodeAt(good.length - 1) + 1);
    for (const bad of [
      '',
      'plain text',
      'v1',
      'v1..',
      `v2${good.slice(2)}`,
      `${good}.`,
      `${good}=`,
      `${good}\n`,
      ` ${good}`,
      good.replace(/\.([^.]*)$/, '.$1 '),
      nearby,
      good.slice(0, -8),
      good.split('.').slice(0, 2).join('.'),
      `${good.split('.').slice(0, 2).join('.')}.AAAA`,
      'v1.__proto__.AAAA',
    ]) {
      expect(() => keyring.decrypt(bad, place), bad).toThrow(DecryptionError);
    }
  });

  it('refuses an incomplete place and text that UTF-8 cannot carry', () => {
    for (const part of ['collection', 'record', 'field']) {
      expect(() => keyring.encrypt('x', { ...place, [part]: '' })).toThrow(TypeError);
    }
    expect(() => keyring.encrypt('broken \ud800', place)).toThrow(/lone surrogate/);
  });
});

describe('rotation', () => {
  const rotated = parseKeyring(`${second},${first}`);

  it('writes with the first key and still reads with the others', () => {
    const old = keyring.encrypt('secret', place);
    expect(rotated.decrypt(old, place).toString()).toBe('secret');
    expect(rotated.needsRotation(old)).toBe(true);
    const renewed = rotated.encrypt('secret', place);
    expect(rotated.needsRotation(renewed)).toBe(false);
    expect(parseKeyring(second).decrypt(renewed, place).toString()).toBe('secret');
    expect(() => rotated.needsRotation('nonsense')).toThrow(DecryptionError);
  });

  it('recognises what an older key signed', () => {
    expect(rotated.macs('token', 'data')).toEqual([rotated.mac('token', 'data'), keyring.mac('token', 'data')]);
  });
});

describe('MACs', () => {
  it('depend on key, purpose and data, and are 256 bits', () => {
    const macs = [
      keyring.mac('a', 'data'),
      keyring.mac('b', 'data'),
      keyring.mac('a', 'date'),
      parseKeyring(second).mac('a', 'data'),
    ];
    expect(new Set(macs.map((mac) => mac.toString('hex'))).size).toBe(4);
    expect(macs.map((mac) => mac.length)).toEqual([32, 32, 32, 32]);
    expect(keyring.mac('a', 'data')).toEqual(parseKeyring(first).mac('a', Buffer.from('data')));
    expect(() => keyring.mac('', 'data')).toThrow(TypeError);
  });
});

describe('the specification', () => {
  it('takes both base64 alphabets, padded or not, and spaces around entries', () => {
    const secret = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index));
    const spellings = [secret.toString('base64'), secret.toString('base64url'), `${secret.toString('base64url')}=`];
    const macs = spellings.map((spelling) => parseKeyring(` k:${spelling} , ${second} `).mac('p', 'd'));
    expect(macs[1]).toEqual(macs[0]);
    expect(macs[2]).toEqual(macs[0]);
  });

  it.each([
    ['', /Entry 1 .* form id:base64key/],
    ['just-a-word', /Entry 1 .* form/],
    [`${first},`, /Entry 2 .* form/],
    [`:${key()}`, /id of entry 1/],
    [`a.b:${key()}`, /id of entry 1/],
    [`${'k'.repeat(33)}:${key()}`, /id of entry 1/],
    ['short:AAAA', /'short' has 3 bytes; it must have 32/],
    [`long:${key(33)}`, /'long' has 33 bytes/],
    ['odd:not base64 at all!', /'odd' is not base64/],
    [`zero:${Buffer.alloc(32).toString('base64')}`, /'zero' is not random/],
    [`a:${key()},a:${key()}`, /'a' appears twice/],
    [`a:${first.split(':')[1]},b:${first.split(':')[1]}`, /'a' and 'b' are the same key/],
  ])('refuses %j and says why', (spec, problem) => {
    expect(() => parseKeyring(spec)).toThrow(KeyringError);
    expect(() => parseKeyring(spec)).toThrow(problem);
  });

  it('never shows a key, neither in an error nor when printed', () => {
    const secret = key(33);
    try {
      parseKeyring(`a:${secret}`);
      expect.unreachable();
    } catch (error) {
      expect(inspect(error)).not.toContain(secret.slice(0, 12));
    }
    const shown = inspect(keyring, { depth: 10, showHidden: true });
    const raw = Buffer.from(first.split(':')[1] ?? '', 'base64');
    expect(shown).not.toContain(raw.toString('base64').slice(0, 12));
    expect(shown).not.toContain(raw.toString('hex').slice(0, 12));
  });

  it('generates a usable specification, another one each time', () => {
    expect(first).not.toBe(second);
    expect(holdsSampleKey(first)).toBe(false);
  });

  it('recognises the published sample key under any id and in any place', () => {
    expect(() => parseKeyring(SAMPLE_KEYRING)).not.toThrow();
    expect(holdsSampleKey(SAMPLE_KEYRING)).toBe(true);
    expect(holdsSampleKey(`${first},mine:${SAMPLE_KEYRING.split(':')[1]}`)).toBe(true);
  });
});
