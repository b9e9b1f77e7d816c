import mongoose from 'mongoose';
import { pendingMigrations } from './migrations.ts';

/** A database that needs longer than this for a ping serves nobody. */
const PING_MS = 1_000;

/** Answers are shared for this long, however many ask: a health check must not be a way to load the database. */
const SHARED_MS = 1_000;

/** Why the service cannot serve, or nothing. */
export type Readiness = 'ready' | 'database-unreachable' | 'migrations-pending';

async function pinged(): Promise<boolean> {
  const { db } = mongoose.connection;
  if (!db) return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PING_MS);
  });
  try {
    await Promise.race([db.command({ ping: 1 }), late]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Checks whether requests can be served: the database answers, and every migration that this build ships is applied
 * (unknown newer ones are fine: during a rolling upgrade the old instances go on). Migrations are never undone under
 * a running service, so that half is looked up until it holds, and then no more.
 */
export function readinessCheck(): () => Promise<Readiness> {
  let migrated = false;
  let latest: { readonly at: number; readonly result: Promise<Readiness> } | undefined;

  async function check(): Promise<Readiness> {
    if (!(await pinged())) return 'database-unreachable';
    try {
      migrated ||= (await pendingMigrations(mongoose.connection)).length === 0;
    } catch {
      return 'database-unreachable';
    }
    return migrated ? 'ready' : 'migrations-pending';
  }

  return () => {
    const now = Date.now();
    if (!latest || now - latest.at > SHARED_MS) latest = { at: now, result: check() };
    return latest.result;
  };
}
