import { randomBytes } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { chooseBinary } from './choose.ts';
import { DatabaseUnavailableError, reason } from './errors.ts';
import { type FrontDoor, openFrontDoor } from './front-door.ts';
import { acquireLock } from './lock.ts';
import { thisMachine } from './machine.ts';
import { type Mongod, startMongod } from './mongod.ts';
import { commandLine } from './processes.ts';
import { type DatabaseRecord, databasePath, logPath, readRecord, writeRecord } from './record.ts';
import type { Say } from './say.ts';

/*
 * The process that keeps the database of one data directory, for as long as anybody uses it. It belongs to none of
 * its clients: of the service and the commands, whichever came first may leave first, and one that is killed is
 * noticed by its connection. When the last one has left, it stops the database and ends.
 *
 * Started by open.ts: node keeper.js DIRECTORY
 */

/** Whoever started the keeper connects at once, or was killed in between. */
const FIRST_CLIENT_WITHIN_MS = 5_000;

/** The server of a killed keeper notices within two seconds and then shuts down in its own time. */
const ORPHAN_ENDS_WITHIN_MS = 20_000;

class Keeper {
  readonly #directory: string;
  readonly #door: FrontDoor;
  readonly #release: () => void;
  #mongod: Mongod | undefined;
  #settled = false;
  #settle = () => {};
  /** Started or failed: before that there is nothing that could be stopped in an orderly way. */
  readonly #started = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });
  #anybodyCame = false;
  #ending = false;
  #exitCode = 0;

  constructor(directory: string, door: FrontDoor, release: () => void) {
    this.#directory = directory;
    this.#door = door;
    this.#release = release;
    setTimeout(() => {
      this.#anybodyCame = true;
      this.endWhenUnused();
    }, FIRST_CLIENT_WITHIN_MS).unref();
  }

  async start(): Promise<void> {
    try {
      const say: Say = (line) => this.#door.tell({ say: line });
      const { mongod, record } = await startRecorded(this.#directory, say);
      this.#mongod = mongod;
      this.#door.tell({ ready: { uri: mongod.uri, engine: record.engine, version: record.version } });
      void mongod.ended.then(() =>
        this.#fail(`the database server ended unexpectedly; see ${logPath(this.#directory)}`),
      );
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) process.stderr.write(`${(error as Error).stack}\n`);
      this.#fail(reason(error));
    }
    this.#settled = true;
    this.#settle();
    this.endWhenUnused();
  }

  endWhenUnused(): void {
    this.#anybodyCame ||= this.#door.clients > 0;
    if (this.#settled && this.#anybodyCame && this.#door.clients === 0) void this.end();
  }

  async end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#door.close();
    await this.#started;
    await this.#mongod?.stop();
    forgetProcess(this.#directory);
    this.#release();
    process.exit(this.#exitCode);
  }

  /** Told to all, who then leave; the last one to leave ends this process. */
  #fail(message: string): void {
    if (this.#ending) return;
    this.#exitCode = 1;
    this.#door.tell({ failed: message });
  }
}

async function startRecorded(directory: string, say: Say): Promise<{ mongod: Mongod; record: DatabaseRecord }> {
  const previous = readRecord(directory);
  if (previous?.pid !== undefined) await outliveOrphan(previous.pid, directory, say);
  const { binary, why } = await chooseBinary(thisMachine(say, previous), previous);
  say(`Database: ${why}`);
  const record: DatabaseRecord = { engine: binary.engine, version: binary.version };
  // Before the first byte of data, so that there never are data of which nobody knows what wrote them.
  writeRecord(directory, { ...record, ...(previous?.port === undefined ? {} : { port: previous.port }) });
  const mongod = await startMongod({
    binary,
    dataPath: databasePath(directory),
    ...(previous?.port === undefined ? {} : { port: previous.port }),
  });
  writeRecord(directory, { ...record, port: mongod.port, pid: mongod.pid });
  return { mongod, record };
}

/** A keeper that was killed leaves a server that still has the data open, for a moment. */
async function outliveOrphan(pid: number, directory: string, say: Say): Promise<void> {
  const deadline = Date.now() + ORPHAN_ENDS_WITHIN_MS;
  const isOurs = () => commandLine(pid)?.includes(databasePath(directory)) === true;
  if (!isOurs()) return;
  say(`Waiting for the database server of a killed process to shut down (process ${pid})`);
  process.kill(pid, 'SIGTERM');
  while (isOurs()) {
    if (Date.now() > deadline)
      throw new DatabaseUnavailableError(
        `Process ${pid} still has ${databasePath(directory)} open, and does not end. End it, then start again.`,
      );
    await pause(50);
  }
}

function forgetProcess(directory: string): void {
  try {
    const record = readRecord(directory);
    if (record === undefined) return;
    const { pid: _, ...rest } = record;
    writeRecord(directory, rest);
  } catch {
    // The directory is gone or was damaged from outside; the next start says so.
  }
}

async function main(directory: string): Promise<void> {
  const token = randomBytes(24).toString('base64url');
  let keeper: Keeper | undefined;
  const door = await openFrontDoor(token, () => keeper?.endWhenUnused());
  const release = acquireLock(directory, { pid: process.pid, controlPort: door.port, token });
  if (release === undefined) {
    door.close(); // somebody else was faster, and whoever started us will find them
    return;
  }
  truncateSync(logPath(directory));
  keeper = new Keeper(directory, door, release);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void keeper?.end());
  await keeper.start();
}

await main(process.argv[2] ?? '');
