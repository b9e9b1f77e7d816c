import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Connection } from 'mongoose';
import { BackupError } from '../backup/errors.ts';
import { newBackupId } from '../backup/manifest.ts';
import { leaseLost, whileOwn } from '../backup/own-run.ts';
import { listBackups } from '../backup/read.ts';
import { openStorage } from '../backup/storage/open.ts';
import { transaction } from '../database.ts';
import type { AuditOrigin } from '../models/audit-event.ts';
import { type BackupTrigger, beginBackupRun, failBackupRun, finishBackupRun } from '../models/backup.ts';
import { programOf } from '../program.ts';
import type { DrillFindings } from './drill-process.ts';

export interface DrillOptions {
  readonly connection: Connection;
  /** Of the server, with whatever it takes to connect. */
  readonly uri: string;
  /** Where the backups are, as in BACKUP_URL. */
  readonly url: string;
  readonly trigger: BackupTrigger;
  readonly origin: AuditOrigin;
  readonly signal: AbortSignal;
  /** The rest of the configuration; as of this process unless given. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface DrillResult extends DrillFindings {
  readonly name: string;
  /** That the backup takes in the storage. */
  readonly bytes: number;
  readonly durationMs: number;
}

/**
 * Restores the newest backup and the journal into a database that nobody needs, looks whether a service could live on
 * it, drops it, and records how that went.
 * @throws {BackupError} when it could not; saying what is wrong
 */
export async function runDrill(options: DrillOptions): Promise<DrillResult> {
  const { connection, url, trigger, origin, signal } = options;
  const storage = await openStorage(url);
  try {
    const startedAt = Date.now();
    const name = `drill-${newBackupId(new Date())}`;
    const run = await beginBackupRun(origin, { kind: 'drill', name, trigger, location: storage.location });
    try {
      const findings = await whileOwn(run, signal, async (own) => {
        await dropLeftOvers(connection);
        return inProcess(options, own);
      });
      if (findings.problems.length > 0) throw new BackupError(`${findings.problems.join('; ')}.`);
      const { backup: restored, moment, entries, documents } = findings;
      const manifest = (await listBackups(storage)).find(({ id }) => id === restored);
      const bytes = manifest?.files.reduce((sum, each) => sum + each.bytes, 0) ?? 0;
      const made = { restored, moment: new Date(moment), entries, documents, bytes };
      if (!(await transaction((tx) => finishBackupRun(tx, origin, run, made)))) throw leaseLost();
      return { ...findings, name, bytes, durationMs: Date.now() - startedAt };
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      // It must not hide why the drill failed: the next run notes that this one has ended.
      await transaction((tx) => failBackupRun(tx, origin, run, failure)).catch(() => {});
      throw error;
    }
  } finally {
    storage.close();
  }
}

const prefixOf = (database: string): string => `${database}_drill_`;

/** Of drills that were killed: there is one at a time. */
async function dropLeftOvers(connection: Connection): Promise<void> {
  const client = connection.getClient();
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  for (const { name } of databases)
    if (name.startsWith(prefixOf(connection.name))) await client.db(name).dropDatabase();
}

async function inProcess({ connection, uri, url, env }: DrillOptions, signal: AbortSignal): Promise<DrillFindings> {
  const scratch = `${prefixOf(connection.name)}${randomBytes(4).toString('hex')}`;
  const child = spawn(
    process.execPath,
    [...programOf(import.meta.url, './drill-process'), url, connection.name, scratch],
    {
      env: { ...process.env, ...env, MONGODB_URI: uri },
      // It is held by its input: whoever asked for it may die.
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
    },
  );
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code === 0) return JSON.parse(out) as DrillFindings;
  throw new BackupError(err.trim() || `The drill ended with ${code ?? 'a signal'}.`);
}
