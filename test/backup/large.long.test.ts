import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Db } from 'mongodb';
import { beforeAll, expect, it } from 'vitest';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { backUp, directories, freshKeys } from '../helpers/backups.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { startRoster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const freshDirectory = directories();

const [small, large] = [fresh(), fresh()];
const DOCUMENTS = { small: 5_000, large: 200_000 };

async function fill(db: Db, count: number): Promise<void> {
  await migrateUp(client, db, () => {});
  const BATCH = 10_000;
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    const documents = Array.from({ length }, () => ({
      _id: randomBytes(32).toString('base64url'),
      erasedAt: new Date(),
      key: `v1.k.${randomBytes(180).toString('base64url')}`,
    }));
    await db.collection<{ _id: string }>('erasures').insertMany(documents, { ordered: false });
  }
}

beforeAll(async () => {
  await fill(small, DOCUMENTS.small);
  await fill(large, DOCUMENTS.large);
}, 20 * 60_000);

/** The most memory that the command held, in MiB. */
async function peakOf(db: Db): Promise<number> {
  const env = {
    MONGODB_URI: uriOf(db.databaseName),
    KEYRING: generateKeyringSpec(),
    BACKUP_KEYS: generateKeyringSpec(),
    BACKUP_URL: pathToFileURL(await freshDirectory()).href,
    NODE_OPTIONS: '--max-old-space-size=96',
  };
  const { process: running, done } = startRoster(['backup', '--json'], { env });
  let peak = 0;
  const watching = setInterval(async () => {
    const status = await readFile(`/proc/${running.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }, 50);
  const { code, stderr } = await done;
  clearInterval(watching);
  expect(code, stderr).toBe(0);
  return Math.round(peak);
}

it.runIf(process.platform === 'linux')('takes no more memory for 200,000 documents than for 5,000', async () => {
  const [few, many] = [await peakOf(small), await peakOf(large)];
  console.log(`peak: ${few} MiB for ${DOCUMENTS.small}, ${many} MiB for ${DOCUMENTS.large} documents`);
  // Room for the batches that are on their way, and for what the collector has not looked at yet.
  expect(many - few).toBeLessThan(96);
});

it('takes no more than several times as long as reading the documents', async () => {
  const bare = async () => {
    let bytes = 0;
    const started = performance.now();
    for await (const document of large
      .collection('erasures')
      .find({}, { raw: true, batchSize: 1_000 })
      .sort({ _id: 1 }))
      bytes += (document as unknown as Buffer).length;
    return { bytes, ms: performance.now() - started };
  };
  const backup = async () => {
    const storage = new DirectoryStorage(await freshDirectory());
    const started = performance.now();
    await backUp(large, { storage, keys: freshKeys() });
    return performance.now() - started;
  };
  await bare();
  const [read, written] = [await bare(), await backup()];
  const megabytes = read.bytes / 1e6;
  const rate = (ms: number) =>
    `${Math.round((DOCUMENTS.large / ms) * 1_000)}/s, ${((megabytes / ms) * 1_000).toFixed(1)} MB/s`;
  console.log(`read: ${rate(read.ms)}; backup: ${rate(written)}; ${(written / read.ms).toFixed(2)} times`);
  // Compressing, hashing and encrypting cost more than reading; how much more depends on who else wants the cores.
  expect(written).toBeLessThan(read.ms * 12);
});
