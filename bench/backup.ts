import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Db, MongoClient } from 'mongodb';
import { startEphemeral } from '../src/embedded/ephemeral.ts';
import { generateKeyringSpec } from '../src/lib/keyring.ts';
import { summaryOf } from '../src/restore/load.ts';
import { seed } from './database.ts';

// What a backup and a restore take, each beside the driver alone doing as much, in the same run:
// `npm run bench:backup -- [--accounts 1000000]`. Elapsed times are of whole commands, their start included.

const { values } = parseArgs({
  options: { accounts: { type: 'string', default: '100000' } },
});
const accounts = Number(values.accounts);

const ROSTER = fileURLToPath(new URL('../bin/roster', import.meta.url));
const BATCH = 1_000;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const rate = (ms: number): string => `${Math.round(accounts / (ms / 1000)).toLocaleString('en')}/s`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

interface Ran {
  readonly ms: number;
  readonly peakMib: number;
  readonly out: string;
}

/** A command to its end, with the most memory that it held. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  const start = performance.now();
  const child = spawn(ROSTER, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let peakMib = 0;
  const watching = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakMib = Math.max(peakMib, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }, 100);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  clearInterval(watching);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`);
  return { ms: performance.now() - start, peakMib: Math.round(peakMib), out };
}

const bareRead = (db: Db) =>
  timed(async () => {
    for await (const _document of db.collection('users').find());
  });

/** The same documents into another collection, and then the same indexes. */
async function bareWrite(from: Db, to: Db): Promise<number> {
  let ms = 0;
  let batch: object[] = [];
  const send = async () => {
    ms += await timed(() => to.collection('users').insertMany(batch, { ordered: false }));
    batch = [];
  };
  for await (const document of from.collection('users').find()) {
    batch.push(document);
    if (batch.length === BATCH) await send();
  }
  if (batch.length > 0) await send();
  for (const { key, v: _version, ...options } of await from.collection('users').indexes())
    if (options.name !== '_id_') ms += await timed(() => to.collection('users').createIndex(key, options));
  return ms;
}

const server = process.env['MONGODB_URI']
  ? undefined
  : await startEphemeral((line) => void process.stderr.write(`${line}\n`));
const uri = process.env['MONGODB_URI'] ?? server?.uri ?? '';
const name = `bench_${randomBytes(4).toString('hex')}`;
const client = await MongoClient.connect(uri);
const place = await mkdtemp(join(tmpdir(), 'bench-backup-'));
const made = [name, `${name}_bare`, `${name}_restored`];
try {
  process.stderr.write(`Making ${accounts} accounts\n`);
  const database = await seed(uri, name, accounts, 'x'.repeat(97));
  const db = client.db(name);
  const env = {
    NODE_ENV: 'test',
    MONGODB_URI: database.uri,
    KEYRING: generateKeyringSpec(),
    BACKUP_KEYS: generateKeyringSpec(),
    BACKUP_URL: pathToFileURL(place).href,
  };
  const read = await bareRead(db);
  const backup = await run(['backup', 'run', '--json'], env);
  const restored = await run(['restore', '--into', `${name}_restored`, '--json'], env);
  const written = await bareWrite(db, client.db(`${name}_bare`));
  const [before, after] = [await summaryOf(db, 'users'), await summaryOf(client.db(`${name}_restored`), 'users')];
  const mismatches = before.digest === after.digest && before.documents === after.documents ? 0 : 'some';
  const lines = [
    `${accounts.toLocaleString('en')} accounts, ${Math.round(before.bytes / 2 ** 20)} MiB of BSON, mismatches: ${mismatches}`,
    `backup:     ${seconds(backup.ms)} (${rate(backup.ms)}), ${backup.peakMib} MiB at most; encrypted and compressed`,
    `bare read:  ${seconds(read)} (${rate(read)}); ratio ${(read / backup.ms).toFixed(2)} (at least 0.7)`,
    `restore:    ${seconds(restored.ms)} (${rate(restored.ms)}), ${restored.peakMib} MiB at most; read back and compared`,
    `bare write: ${seconds(written)} (${rate(written)}); ratio ${(written / restored.ms).toFixed(2)} (at least 0.7)`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
} finally {
  for (const each of made) await client.db(each).dropDatabase();
  await client.close();
  await rm(place, { recursive: true, force: true });
  await server?.stop();
}
