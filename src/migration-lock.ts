import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, type Db, MongoServerError } from 'mongodb';
import type { Say } from './embedded/say.ts';

/** A runner that died keeps the others waiting for so long: more than a failover of the replica set takes (12 s). */
const LEASE_MS = 30_000;
/** Five of six may fail before the lease is lost. */
const HEARTBEAT_MS = 5_000;
const RETRY_MS = 500;
/** Nobody should look at a silent terminal for longer than 15 s. */
const NOTICE_MS = 10_000;

const LOCKS = 'changelog_lock';

/** The one document that all runners contend for. migrate-mongo's own lock inserts one each, and so lets several in. */
const LOCK = 'migrations';

/** A document beside it: a restore fills the database, or began to and came to no end. */
export const UNFINISHED_RESTORE = 'restore';

/** What is there is not all that was backed up: nothing may be served from it, and no migration makes it whole. */
export class UnfinishedRestoreError extends Error {
  override readonly name = 'UnfinishedRestoreError';

  constructor(database: string) {
    super(
      `The database ${database} is not whole: a restore fills it, or came to no end. Run "bin/roster restore" again, which begins anew.`,
    );
  }
}

/** @throws {UnfinishedRestoreError} */
export async function refuseUnfinishedRestore(db: Db): Promise<void> {
  const marker = await db.collection<{ _id: string }>(LOCKS).findOne({ _id: UNFINISHED_RESTORE });
  if (marker) throw new UnfinishedRestoreError(db.databaseName);
}

const DUPLICATE_KEY = 11_000;

interface LockDocument {
  _id: typeof LOCK;
  owner: string;
  /** By the server's clock, the one that all runners share. */
  expiresAt: Date;
}

/** The lease ran out while the work ran; another runner may have begun. */
class MigrationLockLostError extends Error {
  override readonly name = 'MigrationLockLostError';

  constructor() {
    super(
      'The migration lock was lost: its lease could not be renewed. Migrations are safe to repeat: run the command again.',
    );
  }
}

export interface MigrationLock {
  /** Rejects with `MigrationLockLostError` when work must stop at once; never resolves. */
  readonly lost: Promise<never>;
  release(): Promise<void>;
}

/**
 * Waits until no other runner migrates this database, and keeps the others out until `release`. While it waits, it
 * says so, and whom for.
 * @param restoring whether it is to be filled, or filled anew
 * @throws {UnfinishedRestoreError}
 */
export async function takeMigrationLock(db: Db, say: Say, restoring = false): Promise<MigrationLock> {
  if (!restoring) await refuseUnfinishedRestore(db);
  const locks = db.collection<LockDocument>(LOCKS, { writeConcern: { w: 'majority', journal: true } });
  const owner = `${hostname()}, process ${process.pid}, ${randomUUID().slice(0, 8)}`;
  let noticeAt = 0;
  while (!(await acquire(locks, owner))) {
    if (performance.now() >= noticeAt) {
      const holder = await locks.findOne({ _id: LOCK });
      say(`Waiting: migrations of "${db.databaseName}" are run by another process (${holder?.owner ?? 'just done'}).`);
      noticeAt = performance.now() + NOTICE_MS;
    }
    await sleep(RETRY_MS);
  }
  const heartbeat = keepAlive(locks, owner);
  const release = async (): Promise<void> => {
    heartbeat.stop();
    await locks.deleteOne({ _id: LOCK, owner });
  };
  try {
    // The one that held it may have been a restore.
    if (!restoring) await refuseUnfinishedRestore(db);
  } catch (error) {
    await release();
    throw error;
  }
  return { lost: heartbeat.lost, release };
}

/** One atomic update takes a lease that has run out; an upsert may not compare clocks, so the document comes first. */
async function acquire(locks: Collection<LockDocument>, owner: string): Promise<boolean> {
  try {
    await locks.updateOne({ _id: LOCK }, { $setOnInsert: { owner: '', expiresAt: new Date(0) } }, { upsert: true });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
  }
  const free = { _id: LOCK, $expr: { $lte: ['$expiresAt', '$$NOW'] } } as const;
  return (await locks.updateOne(free, extension(owner))).matchedCount === 1;
}

const extension = (owner: string) => [{ $set: { owner, expiresAt: { $add: ['$$NOW', LEASE_MS] } } }];

function keepAlive(locks: Collection<LockDocument>, owner: string): { lost: Promise<never>; stop: () => void } {
  let renewedAt = performance.now();
  let stop = (): void => {};
  const lost = new Promise<never>((_resolve, reject) => {
    const beat = setInterval(async () => {
      const sentAt = performance.now();
      if (sentAt - renewedAt >= LEASE_MS) return lose();
      // No answer is no loss yet: the lease stands until it has run out.
      const answer = await locks.updateOne({ _id: LOCK, owner }, extension(owner)).catch(() => undefined);
      if (answer?.matchedCount === 1) renewedAt = Math.max(renewedAt, sentAt);
      else if (answer !== undefined && !stopped) lose();
    }, HEARTBEAT_MS);
    let stopped = false;
    stop = () => {
      stopped = true;
      clearInterval(beat);
    };
    const lose = (): void => {
      stop();
      reject(new MigrationLockLostError());
    };
  });
  // Whoever holds the lock may look at this late, or never.
  lost.catch(() => {});
  return { lost, stop };
}
