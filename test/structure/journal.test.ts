import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';

const SRC = new URL('../../src/', import.meta.url);
const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith('.ts'));
const sources = await Promise.all(
  files.map(async (file) => [file, await readFile(new URL(file, SRC), 'utf8')] as const),
);

/** What writes to a database past the models, and so past the journal: none of them to that of a running service. */
const PAST_THE_MODELS = {
  'explain/scratch-scene.ts': 'a database of its own, for the plans of queries',
  'migration-lock.ts': 'the lock, which is in no backup',
  'rehearsal/copy.ts': 'a copy of the database, to try migrations on',
  'restore/endings.ts': 'a database that nobody serves yet',
  'restore/ledger.ts': 'a database that nobody serves yet',
  'restore/load.ts': 'a database that nobody serves yet',
  'restore/replay.ts': 'a database that nobody serves yet',
  'restore/target.ts': 'a database that nobody serves yet',
};

const WRITE = /\b(?:insert|update|replace|delete)(?:One|Many)\(|\bbulkWrite\(|\bfindOneAnd[A-Z]\w+\(/;
/** The driver's own way to a collection; that of mongoose's connection is the models'. */
const RAW = /(?<!mongoose\.connection|\bconnection)\.collection(?:<[^>]*>)?\(/;

describe('nothing writes past the journal', () => {
  it('but what is told of here', () => {
    const past = sources.filter(([, source]) => RAW.test(source) && WRITE.test(source)).map(([file]) => file);
    // Reads by the driver, and writes by models.
    const both = ['models/changed-periods.ts'];
    expect(past.filter((file) => !both.includes(file)).sort()).toEqual(Object.keys(PAST_THE_MODELS).sort());
  });

  it('a collection says why it is not journaled, and what is written with an account is', () => {
    for (const { name, notJournaled } of collections) expect(notJournaled, name).not.toBe('');
    const left = collections.flatMap(({ name, notJournaled }) => (notJournaled === undefined ? [] : [name]));
    expect(left.sort()).toEqual([
      'activity_daily',
      'backups',
      'guards',
      'idempotency_keys',
      'jobs',
      'journal',
      'journal_shipping',
      'one_time_tokens',
      'outbox',
      'rate_limits',
      'sessions',
      'webhook_deliveries',
      'webhook_events',
    ]);
  });
});
