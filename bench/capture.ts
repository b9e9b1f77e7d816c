import { BSON, type Document } from 'mongodb';
import { buildApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { connect, disconnect } from '../src/database.ts';
import { openDependencies } from '../src/dependencies.ts';
import { recordCommands, type SentCommand } from '../src/explain/record.ts';
import { parseKeyring } from '../src/lib/keyring.ts';
import { readSubscriptions } from '../src/models/webhook-subscriptions.ts';
import type { BenchDatabase } from './database.ts';
import { HASHING, type Operation, READS, requestsOf, slugOf, type Tokens } from './operations.ts';
import { PUBLIC_URL } from './service.ts';

/** A read as the ceiling repeats it. */
export interface Find {
  readonly collection: string;
  readonly filter: object;
  readonly options: object;
}

/** Another command as the ceiling repeats it: of a sign-in or sign-up, or what a read records of itself. */
export interface Step {
  readonly command: Document;
  readonly inTransaction: boolean;
}

/** For each operation, by its slug, what several of its requests ask the database. */
export interface Replays {
  readonly reads: Readonly<Record<string, (Find | Step)[][]>>;
  readonly writes: Readonly<Record<string, Step[][]>>;
}

export interface Captured {
  /** `find users` and the like, for each operation. */
  readonly commands: Readonly<Record<Operation, readonly string[]>>;
  /** `Replays` as EJSON, since ids do not survive JSON. */
  readonly replays: string;
}

/** So many requests of each operation are replayed in turn. */
const REPLAYED = 50;

/** Sends each operation to the application in this process, and takes down what it asks the database. */
export async function capture(database: BenchDatabase, keyring: string, tokens: Tokens): Promise<Captured> {
  const config = loadConfig({
    LOG_LEVEL: 'silent',
    KEYRING: keyring,
    PUBLIC_URL,
    RATE_LIMIT_MULTIPLIER: '1000000',
    MAX_EVENT_LOOP_DELAY_MS: '60000',
  });
  const client = (await connect(database.uri, config)).getClient();
  const app = await buildApp(config, await openDependencies(config, parseKeyring(keyring)));
  const requests = requestsOf(database, () => tokens);

  async function commandsOf(operation: Operation): Promise<SentCommand[]> {
    const { method = 'GET', path, headers, body } = requests[operation]();
    const { result, sent } = await recordCommands(client, () =>
      app.inject({ method, url: path, ...(headers && { headers }), ...(body !== undefined && { payload: body }) }),
    );
    if (result.statusCode >= 400) throw new Error(`${operation} answered ${result.statusCode}: ${result.body}`);
    return sent;
  }

  // A running service looks for what webhooks want to hear of beside its requests, not in them.
  await readSubscriptions();
  try {
    const namesOf = async (operation: Operation): Promise<string[]> =>
      (await commandsOf(operation)).map(({ name, collection }) => [name, collection].filter(Boolean).join(' '));
    const commands = {
      'read oneself': await namesOf('read oneself'),
      'read by id': await namesOf('read by id'),
      'first page': await namesOf('first page'),
      'deep page': await namesOf('deep page'),
      'sign-in': await namesOf('sign-in'),
      'sign-up': await namesOf('sign-up'),
    };
    const several = async <T>(operation: Operation, of: (sent: SentCommand) => T[]): Promise<[string, T[][]]> => {
      const replay: T[][] = [];
      for (let n = 0; n < REPLAYED; n++) replay.push((await commandsOf(operation)).flatMap(of));
      return [slugOf(operation), replay];
    };
    const reads: [string, (Find | Step)[][]][] = [];
    for (const read of READS) reads.push(await several(read, readOf));
    const writes: [string, Step[][]][] = [];
    for (const write of HASHING) writes.push(await several(write, stepOf));
    const replays: Replays = { reads: Object.fromEntries(reads), writes: Object.fromEntries(writes) };
    return { commands, replays: BSON.EJSON.stringify(replays, { relaxed: false }) };
  } finally {
    await app.close();
    await disconnect();
  }
}

/** Where a read is told of, and that this was written. */
const RECORDS: ReadonlySet<string | undefined> = new Set(['audit_events', 'journal']);

/** @throws when a read asks anything but finds and a record of itself: then the ceiling would not be one */
function readOf(sent: SentCommand): (Find | Step)[] {
  const { name, collection, command } = sent;
  if (name === 'commitTransaction' || (name === 'insert' && RECORDS.has(collection))) return stepOf(sent);
  if (name !== 'find' || collection === undefined) throw new Error(`a read sends ${name}, which is not replayed`);
  const { filter, projection, sort, limit, hint } = command;
  const given = Object.entries({
    projection,
    limit,
    hint,
    sort: sort instanceof Map ? Object.fromEntries(sort) : sort,
  });
  return [{ collection, filter, options: Object.fromEntries(given.filter(([, value]) => value !== undefined)) }];
}

/** What the driver adds by itself to each command, and again when it is repeated. */
const ADDED = new Set(['$db', '$clusterTime', 'lsid', 'txnNumber', 'startTransaction', 'autocommit', 'readConcern']);

/** The driver itself ends a transaction that it began. */
function stepOf({ name, command }: SentCommand): Step[] {
  if (name === 'commitTransaction') return [];
  const inTransaction = command['autocommit'] === false;
  const given = Object.entries(command).filter(
    ([key]) => !ADDED.has(key) && !(inTransaction && key === 'writeConcern'),
  );
  return [{ command: Object.fromEntries(given), inTransaction }];
}
