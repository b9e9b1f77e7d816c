import { CommandError } from '../errors.ts';
import { PgError } from '../postgres/connection.ts';

/** Catalog tables on whose unique keys concurrent first writes to one collection collide. */
const CATALOG_KEYS = /collections|pg_class|pg_type|pg_namespace|collection_indexes/;

/** Another client created the same collection at the same time. */
export function isCreationRace(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Unable to create the specified collection');
}

/** Whether doing the same again, a moment later, may succeed. */
export function isWriteConflict(error: unknown): boolean {
  if (error instanceof CommandError) return error.code === 112;
  if (isCreationRace(error)) return true;
  if (!(error instanceof PgError)) return false;
  switch (error.state) {
    case '40P01':
    case '40001':
      return true;
    case 'XX000':
      return error.message.includes('tuple concurrently');
    case '23505':
      return CATALOG_KEYS.test(error.constraint ?? '');
    default:
      return false;
  }
}
