import type { PgConnection } from '../postgres/connection.ts';
import { PgPool } from '../postgres/pool.ts';

/** Connections for reads, and as many for writes, outside transactions: held for one statement, few serve many clients. */
const REQUEST_CONNECTIONS = 20;
/** Connections for open transactions, each held until its end. All, with a mirror's, stay below max_connections (120). */
const TRANSACTION_CONNECTIONS = 68;
/** Connections that a mirror opens to the engine of its primary, besides the primary's own. */
const MIRROR_CONNECTIONS = 8;

const SETTINGS = {
  application_name: 'mongod-documentdb',
  search_path: 'documentdb_api_catalog,documentdb_api,public',
  // Who waits for a lock holds a connection that others need, perhaps the very transaction that holds the lock, and
  // may be in a deadlock. After a short grace, in which most statements finish, it is a write conflict.
  lock_timeout: '20ms',
  // mongod uses an index that fits, however small the collection.
  enable_seqscan: 'off',
  // Pages of a development database are in memory. Dearer ones make the planner, which knows nothing of a new
  // collection yet, sort all of it where the first few entries of `_id_` would do.
  seq_page_cost: '0.2',
  random_page_cost: '0.2',
  // Cursors live in files instead of pinning a connection each.
  'documentdb.useFileBasedPersistedCursors': 'on',
  'documentdb.defaultCursorExpiryTimeLimitSeconds': '600',
} as const;

/**
 * Snapshot isolation: whoever is about to write a row that another one has written since fails, and begins anew. At
 * PostgreSQL's usual level the engine deletes nothing, and says so, when a document was updated while a delete waited
 * for it, and reports an upsert as an insertion that was an update in the end.
 */
const SNAPSHOT_SETTINGS = { ...SETTINGS, default_transaction_isolation: 'repeatable read' } as const;

/** The gateway's connections to the engine. */
export class EnginePools {
  requests: PgPool;
  /** For writes outside transactions. */
  readonly writes: PgPool;
  readonly transactions: PgPool;

  constructor(socketPath: string) {
    this.requests = new PgPool({ socketPath, settings: SETTINGS }, REQUEST_CONNECTIONS);
    this.writes = new PgPool({ socketPath, settings: SNAPSHOT_SETTINGS }, REQUEST_CONNECTIONS);
    this.transactions = new PgPool({ socketPath, settings: SNAPSHOT_SETTINGS }, TRANSACTION_CONNECTIONS);
  }

  /** Runs one statement on a connection of its own. */
  query: PgConnection['query'] = (sql, params) => this.requests.with((connection) => connection.query(sql, params));

  /** Serves requests from another server's engine from now on; its own stays unused. */
  redirect(socketPath: string): void {
    this.requests.close();
    this.requests = new PgPool({ socketPath, settings: SETTINGS }, MIRROR_CONNECTIONS);
  }

  close(): void {
    this.requests.close();
    this.writes.close();
    this.transactions.close();
  }
}
