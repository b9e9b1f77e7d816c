import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { storedAccount } from '../helpers/backups.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';

// Each command is a process of its own, which on a busy machine takes seconds to start. All that they do is tried in the
// long run; what they are made of, in the tests of that.
vi.setConfig({ testTimeout: 60_000 });

const { client, fresh } = databases();
const db = fresh();
let directory: string;
let files: string;
beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await db.collection('users').insertOne(storedAccount('ada@example.com'));
  [directory, files] = [mkdtempSync(join(tmpdir(), 'roster-families-')), mkdtempSync(join(tmpdir(), 'roster-files-'))];
  writeFileSync(join(files, 'people.ndjson'), '{"email": "grace@example.com"}\n');
});
afterAll(() => [directory, files].map((each) => rmSync(each, { recursive: true })));

it.each([
  ['export users --format ndjson', /"email":"ada@example\.com"/],
  ['import users people.ndjson', /^Imported 1 of 1 accounts/m],
  ['keys rotate --dry-run', /./],
  ['retention run --dry-run', /^deleted-accounts +0$/m],
  ['backup', /./],
])('%s works on the database that MONGODB_URI names', async (command, says) => {
  const env = {
    MONGODB_URI: uriOf(db.databaseName),
    KEYRING: generateKeyringSpec(),
    BACKUP_URL: new URL(`file://${directory}`).href,
  };
  const { code, stdout, stderr } = await roster(command.split(' '), { env, cwd: files });
  expect([code, `${stdout}${stderr}`]).toEqual([0, expect.stringMatching(says)]);
  // And what of the journal was to be shipped.
  if (command === 'backup') expect(readdirSync(directory)).toEqual([expect.stringMatching(/^\d{8}T/), 'journal']);
});
