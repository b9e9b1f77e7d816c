import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeyring } from '../src/keyring-file.ts';
import { generateKeyringSpec, KeyringError } from '../src/lib/keyring.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'roster-keyring-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

const place = { collection: 'users', record: '1', field: 'x' };

describe('the keyring', () => {
  it('is made once, for its owner’s eyes only, and is the same from then on', () => {
    const DATA_DIRECTORY = join(parent, 'data');
    const sealed = openKeyring({ DATA_DIRECTORY }).encrypt('text', place);
    expect(openKeyring({ DATA_DIRECTORY }).decrypt(sealed, place).toString()).toBe('text');
    expect(readdirSync(DATA_DIRECTORY)).toEqual(['keyring']);
    expect(statSync(join(DATA_DIRECTORY, 'keyring')).mode & 0o777).toBe(0o600);
    expect(statSync(DATA_DIRECTORY).mode & 0o077).toBe(0);
  });

  it('is the configured one where there is one, and then none is stored', () => {
    openKeyring({ KEYRING: generateKeyringSpec(), DATA_DIRECTORY: parent });
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is not replaced when it is damaged: what it encrypted would be lost', () => {
    writeFileSync(join(parent, 'keyring'), 'k1:short\n');
    expect(() => openKeyring({ DATA_DIRECTORY: parent })).toThrow(KeyringError);
  });
});
