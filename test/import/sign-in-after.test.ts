// From the file of another system to a sign-in, and what is left of the hash that came along.

import { createReadStream } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXAMPLE_PASSWORD } from '../../examples/hashes.ts';
import { readForeignEntries } from '../../src/import/foreign-entries.ts';
import { FOREIGN_FORMATS } from '../../src/import/formats/index.ts';
import { importUsers } from '../../src/import/import-users.ts';
import { Mapping } from '../../src/import/mapping.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { fixture, hashConfig, signerKey } from '../helpers/foreign-files.ts';
import { call } from '../helpers/people.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ FIREBASE_SCRYPT_KEY: signerKey });
});
afterAll(() => service.close());

async function importFixture(name: string, file: string): Promise<void> {
  const format = FOREIGN_FORMATS.find((each) => each.name === name);
  if (format === undefined) throw new Error(`there is no format ${name}`);
  const options = { firebaseKey: signerKey, firebaseHashConfig: hashConfig };
  const entries = readForeignEntries(createReadStream(fixture(file)), {
    format,
    isCsv: file.endsWith('.csv'),
    options,
    mapping: new Mapping(),
  });
  await importUsers(entries, {
    names: service.deps.names,
    dryRun: false,
    onRefusal: async () => {},
    onProgress: () => {},
  });
}

const hashOf = async (email: string) => (await User.findOne({ email }).select('+passwordHash').lean())?.passwordHash;

it.each([
  ['auth0', 'auth0-import.json', 'sha256@example.com'],
  ['auth0', 'auth0-import.json', 'scrypt@example.com'],
  ['clerk', 'clerk.csv', 'firebase@example.com'],
  ['keycloak', 'keycloak.json', 'mary@example.com'],
  ['better-auth', 'better-auth.ndjson', 'ada@example.com'],
])('whoever comes from %s (%s, %s) signs in as there, once by the old hash', async (name, file, email) => {
  await importFixture(name, file);
  const before = await hashOf(email);
  const signIn = (password: string) => call(service, 'POST', '/v1/sessions', { email, password });
  expect((await signIn(`${EXAMPLE_PASSWORD}?`)).statusCode).toBe(401);
  expect(await hashOf(email)).toBe(before);
  expect((await signIn(EXAMPLE_PASSWORD)).statusCode).toBe(201);
  const after = await hashOf(email);
  expect(after).toMatch(/^\$argon2id\$/);
  expect(after).not.toBe(before);
  expect((await signIn(EXAMPLE_PASSWORD)).statusCode).toBe(201);
  expect(await hashOf(email)).toBe(after);
});
