import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { currentHolder } from '../../src/embedded/lock.ts';
import { type EmbeddedDatabase, openDatabase } from '../../src/embedded/open.ts';
import { startedAt } from '../../src/embedded/processes.ts';
import type { DatabaseRecord } from '../../src/embedded/record.ts';

type Client = ChildProcessByStdio<Writable, Readable, null>;

/** A data directory for each test, which at its end nobody may have open any more. */
export function useDataDirectory() {
  let directory = '';
  const opened: EmbeddedDatabase[] = [];
  const clients: Client[] = [];
  // A start or a recovery is a matter of a second, and of several on a machine that has other things to do.
  vi.setConfig({ testTimeout: 60_000 });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'roster-embedded-'));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.kill('SIGKILL');
    await Promise.all(opened.splice(0).map((database) => database.stop()));
    await expect.poll(() => currentHolder(directory), { timeout: 15_000 }).toBeUndefined();
    rmSync(directory, { recursive: true, force: true });
  });

  return {
    path: (name: string): string => join(directory, name),
    holder: () => currentHolder(directory),
    record: (): DatabaseRecord => JSON.parse(readFileSync(join(directory, 'database.json'), 'utf8')),

    async open(said: string[] = []): Promise<EmbeddedDatabase> {
      const database = await openDatabase({ dataDirectory: directory, say: (line) => said.push(line) });
      opened.push(database);
      return database;
    },

    /** Another process that is about to open the database. */
    startClient(): Client {
      const program = fileURLToPath(new URL('../embedded/client.ts', import.meta.url));
      const client = spawn(process.execPath, ['--import', 'tsx', program, directory], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      clients.push(client);
      return client;
    },

    /** Another process that uses the database, and what it said when it had opened it. */
    async openElsewhere(): Promise<{ client: Client; said: string }> {
      const client = this.startClient();
      const [line] = await once(client.stdout, 'data');
      return { client, said: String(line).trim() };
    },
  };
}

export const ended = (pid: number | undefined): boolean => pid !== undefined && startedAt(pid) === undefined;

export async function withClient<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const notes = (client: MongoClient) => client.db().collection<{ _id: string }>('notes');

export const write = (uri: string, _id: string) =>
  withClient(uri, (client) => notes(client).insertOne({ _id }, { writeConcern: { w: 'majority' } }));

export const read = (uri: string) => withClient(uri, (client) => notes(client).distinct('_id', {}));
