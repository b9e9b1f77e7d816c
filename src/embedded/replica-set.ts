import { setTimeout as pause } from 'node:timers/promises';
import { type Db, MongoClient } from 'mongodb';
import { DatabaseUnavailableError, reason } from './errors.ts';

export const REPLICA_SET = 'rs0';

/** What replSetGetConfig answers before there is a configuration. */
const NOT_YET_INITIALIZED = 94;

/** An election of one takes a second at most; a server that recovers from a crash may take longer. */
const PRIMARY_WITHIN_MS = 60_000;

interface ReplicaSetConfig {
  version: number;
  members: { host: string }[];
}

/**
 * Makes the server at `port` the primary of a replica set of one, and waits until it takes writes.
 *
 * The configuration is part of the data and names the port of the day it was written. A server that does not find
 * itself in it serves nobody, and no member is left that could change it in the regular way: hence the forced change.
 */
export async function ensurePrimary(port: number): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, { directConnection: true });
  try {
    const admin = client.db('admin');
    await configure(admin, `127.0.0.1:${port}`);
    await waitForPrimary(admin);
  } finally {
    await client.close();
  }
}

async function configure(admin: Db, host: string): Promise<void> {
  const config = await currentConfig(admin);
  if (config === undefined) {
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, members: [{ _id: 0, host }] } });
    return;
  }
  const [member] = config.members;
  if (config.members.length !== 1 || member === undefined)
    throw new DatabaseUnavailableError(
      `These data belong to a replica set of ${config.members.length} members, and only a set of one is run here. Set MONGODB_URI to that set.`,
    );
  if (member.host === host) return;
  const moved = { ...config, version: config.version + 1, members: [{ ...member, host }] };
  await admin.command({ replSetReconfig: moved, force: true });
}

async function currentConfig(admin: Db): Promise<ReplicaSetConfig | undefined> {
  try {
    const { config } = await admin.command({ replSetGetConfig: 1 });
    return config;
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

async function waitForPrimary(admin: Db): Promise<void> {
  const deadline = Date.now() + PRIMARY_WITHIN_MS;
  let last = 'it is not primary';
  while (Date.now() < deadline) {
    try {
      const { isWritablePrimary } = await admin.command({ hello: 1 });
      if (isWritablePrimary === true) return;
    } catch (error) {
      last = reason(error);
    }
    await pause(50);
  }
  throw new DatabaseUnavailableError(
    `The database server takes no writes after ${PRIMARY_WITHIN_MS / 1000} s (${last}). Its data may be damaged.`,
  );
}
