import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { IMPORT_FORMATS } from '../../src/cli/import-options.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { fixture, signerKey } from '../helpers/foreign-files.ts';
import { type Outcome, roster } from '../helpers/roster.ts';

vi.setConfig({ testTimeout: 60_000 });

const PAGE = readFileSync(new URL('../../docs/moving-in.md', import.meta.url), 'utf8');
/** The dry runs of the page, once each. */
const DRY_RUNS = [...new Set(PAGE.replaceAll('\\\n', '').match(/^bin\/roster import users .* --dry-run$/gm))]
  // That one reads what export writes, which the tests of export do.
  .filter((command) => !command.includes('accounts.ndjson'));

describe('docs/moving-in.md', () => {
  const { client, fresh } = databases();
  const db = fresh();
  let directory: string;
  beforeAll(async () => {
    await migrateUp(client, db, () => {});
    directory = mkdtempSync(join(tmpdir(), 'roster-moving-in-'));
    cpSync(fixture('.'), directory, { recursive: true });
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const run = (command: string): Promise<Outcome> =>
    roster(command.split(/\s+/).slice(1), {
      cwd: directory,
      env: { MONGODB_URI: uriOf(db.databaseName), FIREBASE_SCRYPT_KEY: signerKey },
    });

  it('has a dry run and an import for each system', () => {
    for (const format of IMPORT_FORMATS.filter((name) => name !== 'ndjson' && name !== 'csv'))
      expect(DRY_RUNS.filter((command) => command.includes(`--format ${format} `))).toHaveLength(1);
    for (const command of DRY_RUNS.filter((each) => each.includes('--format')))
      expect(PAGE).toContain(`\n${command.replace(' --dry-run', '')}\n`);
  });

  it.each(DRY_RUNS)('%s', async (command) => {
    const { code, stdout, stderr } = await run(command);
    expect([code === 2 ? stderr : '', stdout]).toEqual(['', expect.stringMatching(/^Would import [1-9]/)]);
    expect(await db.collection('users').countDocuments()).toBe(0);
  });

  it('shows what the first of them says', async () => {
    const [first = ''] = DRY_RUNS;
    const shown = PAGE.split('```text\n')[1]?.split('\n```')[0]?.split('\n') ?? [];
    const { stdout } = await run(first);
    const told = stdout.replace(/\(\d+\.\d s, [\d,]+\/s\)/, '(… s, …/s)');
    const collapsed = (text: string): string => text.replaceAll(/ +/g, ' ');
    for (const line of shown.filter((each) => each !== '…')) expect(collapsed(told)).toContain(collapsed(line));
  });
});
