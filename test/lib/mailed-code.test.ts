import { describe, expect, it } from 'vitest';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { hashMailedCode, hashSecret, isMailedCode, isSecret, newMailedCode } from '../../src/lib/mailed-code.ts';

const CHALLENGE = 'a-challenge';
const spec = generateKeyringSpec();
const keyring = parseKeyring(spec);

describe('a mailed code', () => {
  it('has six digits, those with leading zeros among them, and each place every digit', () => {
    const codes = Array.from({ length: 5_000 }, newMailedCode);
    expect(codes.every((code) => /^\d{6}$/.test(code))).toBe(true);
    for (let place = 0; place < 6; place++) expect(new Set(codes.map((code) => code[place])).size).toBe(10);
  });

  it('is recognised with its challenge alone', () => {
    const hash = hashMailedCode(keyring, CHALLENGE, '012345');
    expect(hash).not.toContain('012345');
    expect(isMailedCode(keyring, CHALLENGE, '012345', hash)).toBe(true);
    expect(isMailedCode(keyring, CHALLENGE, '012346', hash)).toBe(false);
    expect(isMailedCode(keyring, 'another', '012345', hash)).toBe(false);
  });

  it('needs the key: it is still known when that one only reads, and to no other keyring', () => {
    const hash = hashMailedCode(keyring, CHALLENGE, '012345');
    const rotated = parseKeyring(`${generateKeyringSpec()},${spec}`);
    expect(isMailedCode(rotated, CHALLENGE, '012345', hash)).toBe(true);
    expect(isMailedCode(parseKeyring(generateKeyringSpec()), CHALLENGE, '012345', hash)).toBe(false);
  });
});

it('a secret is recognised by its hash', () => {
  const hash = hashSecret('a secret');
  expect(isSecret('a secret', hash)).toBe(true);
  for (const wrong of ['', 'A secret', 'a secret ']) expect(isSecret(wrong, hash)).toBe(false);
});
