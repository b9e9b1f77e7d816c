import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { ObjectId } from 'mongodb';
import { beforeAll, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from './databases.ts';
import { roster, startRoster } from './roster.ts';
import { until } from './until.ts';

const ACCOUNTS = 6;
const BELONGINGS = 700;
/** Once it has begun, it takes about twice as long. */
const KILL_WITHIN_MS = 200;

const session = (userId: ObjectId, n: number) => {
  const at = new Date();
  const later = new Date(at.getTime() + 86_400_000);
  return {
    userId,
    status: 'deleted',
    roles: ['user'],
    refreshTokenHash: `${userId.toHexString()}-${n}`,
    seed: 'seed',
    rotation: 0,
    rotatedAt: at,
    authenticationMethods: ['pwd'],
    authenticatedAt: at,
    createdAt: at,
    lastUsedAt: at,
    idleExpiresAt: later,
    expiresAt: later,
  };
};

/** Accounts that are due for their purge, each with more belongings than go in one command. */
async function dueAccounts(db: Db): Promise<ObjectId[]> {
  const at = new Date(Date.now() - 86_400_000);
  const users = Array.from({ length: ACCOUNTS }, (_, n) => ({
    _id: new ObjectId(),
    email: `due.${n}.${new ObjectId().toHexString()}@example.com`,
    emailVerified: true,
    status: 'deleted',
    roles: ['user'],
    revision: 1,
    createdAt: at,
    updatedAt: at,
    deletedAt: at,
    purgeAt: at,
  }));
  await db.collection('users').insertMany(users);
  for (const { _id } of users)
    await db.collection('sessions').insertMany(Array.from({ length: BELONGINGS }, (_, n) => session(_id, n)));
  return users.map(({ _id }) => _id);
}

/**
 * Kills the purge midway, once for each round, and lets another one go on.
 * @returns how many of the kills came in the midst of the work
 */
async function killPurges(db: Db, env: Readonly<Record<string, string>>, rounds: number): Promise<number> {
  let midway = 0;
  for (let round = 0; round < rounds; round += 1) {
    const ids = await dueAccounts(db);
    const { process: running, done } = startRoster(['retention', 'run'], { env });
    const left = () => db.collection('sessions').countDocuments({ userId: { $in: ids } });
    await until('it has begun', async () => (await left()) < ACCOUNTS * BELONGINGS);
    await pause(randomInt(KILL_WITHIN_MS));
    running.kill('SIGKILL');
    await done;
    if ((await left()) > 0) midway += 1;
    await nothingIsHalfDone(db, ids);
    const { code, stderr } = await roster(['retention', 'run'], { env });
    expect(code, stderr).toBe(0);
    await allIsDoneOnce(db, ids);
  }
  return midway;
}

/** Whatever is gone is gone with all that belonged to it, stands in the ledger and in the audit trail. */
async function nothingIsHalfDone(db: Db, ids: readonly ObjectId[]): Promise<void> {
  const there = await db
    .collection('users')
    .find({ _id: { $in: [...ids] } })
    .toArray();
  const gone = ids.filter((id) => !there.some(({ _id }) => _id.equals(id)));
  expect(await db.collection('sessions').countDocuments({ userId: { $in: gone } })).toBe(0);
  expect(await purgedEvents(db, ids)).toBe(gone.length);
  for (const { status } of there) expect(status).toBe('deleted');
}

async function allIsDoneOnce(db: Db, ids: readonly ObjectId[]): Promise<void> {
  expect(await db.collection('users').countDocuments({ _id: { $in: [...ids] } })).toBe(0);
  expect(await db.collection('sessions').countDocuments({ userId: { $in: [...ids] } })).toBe(0);
  expect(await purgedEvents(db, ids)).toBe(ids.length);
}

const purgedEvents = (db: Db, ids: readonly ObjectId[]): Promise<number> =>
  db.collection('audit_events').countDocuments({ action: 'user.purged', 'target.id': { $in: [...ids] } });

/** The test of it, in so many rounds. @param midway how many of the kills have to come before the last step */
export function purgesSurviveKills(rounds: number, midway: number, timeoutMs: number): void {
  const { client, fresh } = databases();
  const db = fresh();
  beforeAll(async () => {
    await migrateUp(client, db, () => {});
  });

  it(
    `a purge that is killed ${rounds} times leaves nothing half done, and the next one goes on`,
    async () => {
      const env = { MONGODB_URI: uriOf(db.databaseName), KEYRING: generateKeyringSpec() };
      expect(await killPurges(db, env, rounds)).toBeGreaterThanOrEqual(midway);
      // All of them, and the key of the ledger.
      expect(await db.collection('erasures').countDocuments()).toBe(rounds * ACCOUNTS + 1);
    },
    timeoutMs,
  );
}
