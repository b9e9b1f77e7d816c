import { MongoError, MongoServerError } from 'mongodb';
import { MongooseError } from 'mongoose';

/** What the driver throws when it has no connection to a primary, or lost the one it had. */
const OUT_OF_REACH = new Set([
  'MongoServerSelectionError',
  'MongooseServerSelectionError',
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoWaitQueueTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoPoolClosedError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoServerClosedError',
  'MongoClientClosedError',
  'MongoExpiredSessionError',
  'MongoOperationTimeoutError',
  'MongoStalePrimaryError',
]);

/**
 * What a server answers that is not, or is no longer, able to serve: shutting down, stepping down, not primary,
 * recovering, out of time.
 */
const UNABLE_TO_SERVE = new Set([
  6, 7, 50, 64, 89, 91, 133, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
]);

/** Mongoose has no class for an operation without a connection, only words. */
const NOT_CONNECTED = /initial connection|buffering timed out|not connected/i;

/** Whether an error says that the database is out of reach for now, as opposed to what was asked of it. */
export function isDatabaseOutOfReach(error: unknown): boolean {
  if (error instanceof MongoError) {
    if (OUT_OF_REACH.has(error.name)) return true;
    // A conflict that outlived all its retries: the same request succeeds once the crowd is gone.
    if (error.hasErrorLabel('TransientTransactionError')) return true;
    return error instanceof MongoServerError && UNABLE_TO_SERVE.has(Number(error.code));
  }
  return error instanceof MongooseError && (OUT_OF_REACH.has(error.name) || NOT_CONNECTED.test(error.message));
}

/** MongoDB's code for a violated unique index; `keyPattern` is not relied on, as not every engine gives it. */
export const isDuplicateKey = (error: unknown): boolean => error instanceof MongoServerError && error.code === 11000;
