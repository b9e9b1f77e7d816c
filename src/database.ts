import mongoose, { type ClientSession, type Connection } from 'mongoose';
import type { Config } from './config.ts';

/**
 * What every write promises: on the disk of a majority, so that an acknowledged change survives a failover.
 * Stated here, not in the connection string, where an operator could lose it.
 */
const WRITE_CONCERN = { w: 'majority', journal: true } as const;

type PoolConfig = Pick<
  Config,
  'MONGODB_MAX_POOL_SIZE' | 'MONGODB_WAIT_QUEUE_TIMEOUT_MS' | 'MONGODB_SERVER_SELECTION_TIMEOUT_MS'
>;

mongoose.set('strict', 'throw');
mongoose.set('strictQuery', 'throw');
mongoose.set('autoIndex', false);
mongoose.set('autoCreate', false);
// A query that waits in memory for a connection would outlive the request that asked it.
mongoose.set('bufferCommands', false);

/**
 * Connects mongoose's default connection; models are compiled on it.
 * @param databaseName another database than the one that the URI names, on the same server
 * @throws MongoServerSelectionError when no primary answers in time
 */
export async function connect(uri: string, config: PoolConfig, databaseName?: string): Promise<Connection> {
  await mongoose.connect(uri, {
    ...(databaseName !== undefined && { dbName: databaseName }),
    appName: 'roster',
    maxPoolSize: config.MONGODB_MAX_POOL_SIZE,
    waitQueueTimeoutMS: config.MONGODB_WAIT_QUEUE_TIMEOUT_MS,
    serverSelectionTimeoutMS: config.MONGODB_SERVER_SELECTION_TIMEOUT_MS,
    connectTimeoutMS: config.MONGODB_SERVER_SELECTION_TIMEOUT_MS,
    socketTimeoutMS: 30_000,
    writeConcern: WRITE_CONCERN,
    retryWrites: true,
    monitorCommands: true,
  });
  return mongoose.connection;
}

/** What a change of several documents is made in; models take it, so that routes need not know mongoose. */
export type Transaction = ClientSession;

export const disconnect = (): Promise<void> => mongoose.disconnect();

/** What takes part in every transaction. */
interface Participant {
  /** Before each try: nothing of the one before counts. */
  readonly begin: (tx: Transaction) => void;
  /** After the work, before the commit. */
  readonly write: (tx: Transaction) => Promise<void>;
}

const participants: Participant[] = [];

export function beforeCommit(participant: Participant): void {
  participants.push(participant);
}

const open = new WeakSet<Transaction>();

/** Whether it is one of those that are opened here. */
export const isTransaction = (tx: Transaction): boolean => open.has(tx);

/**
 * Runs `work` in one transaction and commits it, or leaves nothing behind. `work` may run again after a write
 * conflict, so it must not do anything that the transaction does not undo.
 */
export function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
  const options = {
    readConcern: { level: 'snapshot' },
    writeConcern: WRITE_CONCERN,
    readPreference: 'primary',
  } as const;
  return mongoose.connection.getClient().withSession((session) => {
    open.add(session);
    return session.withTransaction(async () => {
      for (const { begin } of participants) begin(session);
      const result = await work(session);
      for (const { write } of participants) await write(session);
      return result;
    }, options);
  });
}
