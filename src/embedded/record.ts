import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseUnavailableError } from './errors.ts';

/** What wrote the data files; neither can read those of the other. */
export type Engine = 'mongodb' | 'documentdb';

export const ENGINE_NAMES: Readonly<Record<Engine, string>> = {
  mongodb: 'MongoDB',
  documentdb: 'DocumentDB (PostgreSQL)',
};

/** `database.json`: what keeps the data of a directory, and, while it runs, where. */
export interface DatabaseRecord {
  engine: Engine;
  /** The server's version as it reports it, three numbers. */
  version: string;
  /** The port of the last start. Tried first, so that a connection string keeps working. */
  port?: number;
  /** The server process; absent while none runs. */
  pid?: number;
}

export const databasePath = (dataDirectory: string): string => join(dataDirectory, 'db');
const recordPath = (dataDirectory: string): string => join(dataDirectory, 'database.json');
/** What the keeper, and the programs it runs, had to say beyond what the person at the terminal was told. */
export const logPath = (dataDirectory: string): string => join(dataDirectory, 'database.log');

/**
 * Undefined for a directory that holds no data yet.
 * @throws {DatabaseUnavailableError} when there are data and nothing reliable says what wrote them
 */
export function readRecord(dataDirectory: string): DatabaseRecord | undefined {
  const path = recordPath(dataDirectory);
  if (!existsSync(path)) {
    if (isEmpty(databasePath(dataDirectory))) return undefined;
    throw new DatabaseUnavailableError(
      `${databasePath(dataDirectory)} holds data, but ${path}, which says what wrote them, is missing. Put it back (for example {"engine":"mongodb","version":"8.0.0"}; engine is mongodb or documentdb), or move the directory away to begin anew.`,
    );
  }
  const record = parse(readFileSync(path, 'utf8'));
  if (record === undefined)
    throw new DatabaseUnavailableError(
      `${path} is not readable as {"engine": "mongodb" or "documentdb", "version": "8.0.0"}. Repair it, or move ${databasePath(dataDirectory)} and it away to begin anew.`,
    );
  return record;
}

/** Replaces the record in one step, so that no reader and no crash ever meets half of one. */
export function writeRecord(dataDirectory: string, record: DatabaseRecord): void {
  const draft = `${recordPath(dataDirectory)}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(draft, recordPath(dataDirectory));
  } finally {
    rmSync(draft, { force: true });
  }
}

function parse(text: string): DatabaseRecord | undefined {
  let value: Partial<Record<keyof DatabaseRecord, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { engine, version, port, pid } = value ?? {};
  if ((engine !== 'mongodb' && engine !== 'documentdb') || typeof version !== 'string') return undefined;
  if (!/^\d+\.\d+\.\d+/.test(version)) return undefined;
  return {
    engine,
    version,
    ...(typeof port === 'number' ? { port } : {}),
    ...(typeof pid === 'number' ? { pid } : {}),
  };
}

const isEmpty = (directory: string): boolean => !existsSync(directory) || readdirSync(directory).length === 0;
