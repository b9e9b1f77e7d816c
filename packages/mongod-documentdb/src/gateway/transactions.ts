import { CommandError, TRANSIENT } from '../errors.ts';
import type { PgConnection } from '../postgres/connection.ts';
import type { ClientConnection } from './client-connection.ts';
import type { EnginePools } from './engine-pools.ts';
import type { Session } from './sessions.ts';

export interface Transaction {
  readonly engine: PgConnection;
  readonly number: string;
  readonly expiry: NodeJS.Timeout;
  /** The connection that used it last: when that one closes, nobody will end the transaction. */
  client: ClientConnection;
  /** A statement of it is running. */
  busy: boolean;
  /** Set from the moment at which its end was decided. */
  ending?: Promise<void>;
}

/** Open transactions, each on an engine connection of its own. */
export class Transactions {
  readonly #pools: EnginePools;
  readonly #lifetimeMs: () => number;
  readonly #open = new Set<Session>();

  constructor(pools: EnginePools, lifetimeMs: () => number) {
    this.#pools = pools;
    this.#lifetimeMs = lifetimeMs;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Starts a transaction in `session`; one that is still open there is rolled back first. */
  async begin(session: Session, number: string, client: ClientConnection): Promise<Transaction> {
    await this.rollback(session);
    const engine = await this.#pools.transactions.acquire();
    const expiry = setTimeout(() => void this.rollback(session), this.#lifetimeMs());
    expiry.unref();
    const transaction: Transaction = { engine, number, expiry, client, busy: false };
    session.transaction = transaction;
    this.#open.add(session);
    engine.beginWithNextQuery();
    return transaction;
  }

  /** The transaction that a statement belongs to. Throws NoSuchTransaction. */
  join(session: Session, number: string, client: ClientConnection): Transaction {
    const transaction = this.#current(session, number);
    if (transaction === undefined) {
      throw new CommandError(251, `Given transaction number ${number} does not match any in-progress transactions.`, {
        labels: TRANSIENT,
      });
    }
    transaction.client = client;
    return transaction;
  }

  /** Takes a new snapshot for a transaction that has done nothing yet. */
  async restart(transaction: Transaction): Promise<void> {
    await transaction.engine.simple('ROLLBACK');
    transaction.engine.beginWithNextQuery();
  }

  /** Commits. Committing once more what was committed last succeeds. Throws NoSuchTransaction or the engine's error. */
  async commit(session: Session | undefined, number: string): Promise<void> {
    if (session === undefined) throw aborted(number);
    const transaction = this.#current(session, number);
    if (transaction === undefined) {
      if (session.lastCommitted === number) return;
      throw aborted(number);
    }
    // PostgreSQL answers COMMIT of a failed transaction with a silent ROLLBACK.
    if (transaction.engine.status !== 'T') {
      await this.rollback(session);
      throw aborted(number);
    }
    await this.#end(session, transaction, 'COMMIT');
    session.lastCommitted = number;
  }

  /** Rolls back on the client's wish. Throws NoSuchTransaction. */
  async abort(session: Session | undefined, number: string): Promise<void> {
    if (session === undefined || this.#current(session, number) === undefined) throw aborted(number);
    await this.rollback(session);
  }

  /** Rolls back what is open in `session`, if anything; never fails: a lost connection has rolled back already. */
  async rollback(session: Session): Promise<void> {
    const transaction = session.transaction;
    if (transaction === undefined) return;
    try {
      await this.#end(session, transaction, 'ROLLBACK');
    } catch {
      transaction.engine.close();
    }
  }

  /** Rolls back the transactions that `client` used last. */
  async dropClient(client: ClientConnection): Promise<void> {
    const orphans = [...this.#open].filter((session) => session.transaction?.client === client);
    await Promise.all(orphans.map((session) => this.rollback(session)));
  }

  #current(session: Session, number: string): Transaction | undefined {
    const transaction = session.transaction;
    return transaction?.number === number && transaction.ending === undefined ? transaction : undefined;
  }

  #end(session: Session, transaction: Transaction, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    transaction.ending ??= this.#run(session, transaction, how);
    return transaction.ending;
  }

  async #run(session: Session, transaction: Transaction, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    clearTimeout(transaction.expiry);
    try {
      if (how === 'ROLLBACK' && transaction.busy) await transaction.engine.cancel();
      await transaction.engine.simple(how);
    } finally {
      if (session.transaction === transaction) session.transaction = undefined;
      this.#open.delete(session);
      this.#pools.transactions.release(transaction.engine);
    }
  }
}

function aborted(number: string): CommandError {
  return new CommandError(251, `Transaction ${number} has been aborted.`, { labels: TRANSIENT });
}
