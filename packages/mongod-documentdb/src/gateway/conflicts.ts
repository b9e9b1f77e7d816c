import { CommandError } from '../errors.ts';
import { PgError } from '../postgres/connection.ts';

/** Serialization failure, deadlock, lock timeout. */
const CONFLICT_STATES: ReadonlySet<string> = new Set(['40001', '40P01', '55P03']);
/** Catalog tables on whose unique keys concurrent first writes to one collection collide. */
const CATALOG_KEYS = /collections|pg_class|pg_type|pg_namespace|collection_indexes/;

/** Whether another client was in the way: it committed first, or holds a lock. That passes. */
export function isWriteConflict(error: unknown): boolean {
  if (error instanceof CommandError) return error.code === 112;
  if (!(error instanceof PgError)) return false;
  return CONFLICT_STATES.has(error.state) || (error.state === 'XX000' && error.message.includes('tuple concurrently'));
}

/** What the engine says when it loses such a race: for a collection, or for the database that the first one makes. */
const CREATION_FAILURE = /Unable to create (the specified|metadata database sentinel) collection/;

/** Whether another client created the same collection at the same time. */
export function isCreationRace(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (CREATION_FAILURE.test(error.message)) return true;
  return error instanceof PgError && error.state === '23505' && CATALOG_KEYS.test(error.constraint ?? '');
}
