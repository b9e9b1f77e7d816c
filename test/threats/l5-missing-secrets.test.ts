// L5: a service that starts with no secret, a short one, or the one from the documentation. Elsewhere a default signing
// key made everybody an admin of every installation that had kept it. In production there are no defaults: the process
// refuses to start, says why, and does not say what the secret was.

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { generateKeyringSpec, holdsSampleKey, SAMPLE_KEYRING } from '../../src/lib/keyring.ts';

const MONGODB_URI = 'mongodb://127.0.0.1:1/nowhere';
const key = (bytes: number): string => randomBytes(bytes).toString('base64');
const good = generateKeyringSpec();

/** What is wrong with each, in the words of the refusal. */
const REFUSED: Record<string, [keyring: string | undefined, told: RegExp]> = {
  'no keyring': [undefined, /KEYRING is required in production/],
  'an empty keyring': ['', /KEYRING is required in production/],
  'a blank keyring': [' ', /KEYRING/],
  'the sample': [SAMPLE_KEYRING, /KEYRING holds the sample key/],
  'the sample under another name': [SAMPLE_KEYRING.replace('sample', 'k2026'), /KEYRING holds the sample key/],
  'the sample behind a good key': [`${good},${SAMPLE_KEYRING}`, /KEYRING holds the sample key/],
  'a key of 31 bytes': [`k1:${key(31)}`, /KEYRING: .* must have 32/],
  'a key of 16 bytes': [`k1:${key(16)}`, /KEYRING: .* must have 32/],
  'a key of 33 bytes': [`k1:${key(33)}`, /KEYRING: .* must have 32/],
  'a short key behind a good one': [`${good},k2:${key(16)}`, /KEYRING: .* must have 32/],
  'a word': ['secret', /KEYRING: /],
  'a key without a name': [key(32), /KEYRING: /],
  'two keys of one name': [`k1:${key(32)},k1:${key(32)}`, /KEYRING: /],
  'no base64': [`k1:${'*'.repeat(44)}`, /KEYRING: /],
};

const production = (keyring: string | undefined) => ({
  NODE_ENV: 'production',
  MONGODB_URI,
  ...(keyring !== undefined && { KEYRING: keyring }),
});

function problemsOf(environment: NodeJS.ProcessEnv): string {
  try {
    loadConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return 'none';
}

describe('production', () => {
  it.each(Object.entries(REFUSED))('refuses %s, and does not repeat it', (_, [keyring, told]) => {
    const message = problemsOf(production(keyring));
    expect(message).toMatch(told);
    for (const secret of (keyring ?? '').split(/[:,]/).filter((part) => part.length > 16))
      expect(message).not.toContain(secret);
  });

  it('takes a keyring that was made for it', () => {
    expect(problemsOf(production(good))).toBe('none');
    expect(problemsOf(production(`${good},old:${key(32)}`))).toBe('none');
  });

  it('refuses to go without a database of its own', () => {
    expect(problemsOf({ NODE_ENV: 'production', KEYRING: good })).toMatch(/MONGODB_URI is required in production/);
  });

  it('names everything that is missing at once', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toMatch(/MONGODB_URI is required[\s\S]*KEYRING is required/);
  });
});

describe('the process', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'roster-secrets-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('ends before it does anything, and leaves no generated secret behind', () => {
    const program = fileURLToPath(new URL('../../dist/server.js', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...production(SAMPLE_KEYRING), DATA_DIRECTORY: directory, PORT: '0' },
    });
    expect(stderr).toContain('KEYRING holds the sample key');
    expect(stderr).not.toContain(SAMPLE_KEYRING.split(':')[1]);
    expect([status, stdout]).toEqual([1, '']);
    expect(readdirSync(directory)).toEqual([]);
  });
});

it('every keyring in the documentation is one that production refuses', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const documents = readdirSync(root)
    .concat(readdirSync(join(root, 'docs')).map((name) => join('docs', name)))
    .filter((name) => name.endsWith('.md'));
  const texts = documents.map((name) => readFileSync(join(root, name), 'utf8'));
  const keyrings = texts.flatMap((text) => text.match(/\b[\w-]+:[A-Za-z0-9+/]{43}=/g) ?? []);
  for (const keyring of keyrings) expect(holdsSampleKey(keyring), keyring).toBe(true);
});
