import type { PgConnection } from '../postgres/connection.ts';
import { PgPool } from '../postgres/pool.ts';

/** Connections for requests outside transactions: each is held for one statement, so few serve many clients. */
const REQUEST_CONNECTIONS = 24;
/** Connections for open transactions, each held until its end. Together with mirrors' they stay below max_connections (120). */
const TRANSACTION_CONNECTIONS = 76;
/** Connections that a mirror opens to the engine of its primary, besides the primary's own. */
const MIRROR_CONNECTIONS = 8;

const SETTINGS = {
  application_name: 'mongod-documentdb',
  search_path: 'documentdb_api_catalog,documentdb_api,public',
  // Concurrent upserts of one key can deadlock on the unique index. They are tried again: the sooner, the better.
  deadlock_timeout: '50ms',
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

/** The gateway's connections to the engine. */
export class EnginePools {
  requests: PgPool;
  readonly transactions: PgPool;

  constructor(socketPath: string) {
    this.requests = new PgPool({ socketPath, settings: SETTINGS }, REQUEST_CONNECTIONS);
    this.transactions = new PgPool({ socketPath, settings: SETTINGS }, TRANSACTION_CONNECTIONS);
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
    this.transactions.close();
  }
}
