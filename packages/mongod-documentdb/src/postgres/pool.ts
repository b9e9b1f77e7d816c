import { PgConnection, PgError, type PgTarget } from './connection.ts';

interface Waiter {
  resolve(connection: PgConnection): void;
  reject(error: unknown): void;
}

/** SQLSTATE `admin_shutdown`. */
const SHUTTING_DOWN = '57P01';

/** Up to `max` connections to one server, opened when needed and kept; who comes later waits in line. */
export class PgPool {
  readonly #target: PgTarget;
  readonly #max: number;
  readonly #open = new Set<PgConnection>();
  readonly #waiting: Waiter[] = [];
  /** Last in, first out: a few warm connections instead of all of them lukewarm. */
  readonly #idle: PgConnection[] = [];
  #closed = false;

  constructor(target: PgTarget, max: number) {
    this.#target = target;
    this.#max = max;
  }

  /** A connection for the caller alone, to be given back by `release`. Throws `PgError`. */
  async acquire(): Promise<PgConnection> {
    if (this.#closed) throw new PgError('the server is shutting down', SHUTTING_DOWN);
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#open.size < this.#max) return this.#connect();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Takes a connection back; a transaction that is still open on it is rolled back first. */
  release(connection: PgConnection): void {
    if (connection.closed) return;
    if (connection.status !== 'I') {
      connection.simple('ROLLBACK').then(
        () => this.release(connection),
        () => connection.close(),
      );
      return;
    }
    const next = this.#waiting.shift();
    if (next) next.resolve(connection);
    else this.#idle.push(connection);
  }

  /** Lends a connection to `use` for as long as it runs. */
  async with<T>(use: (connection: PgConnection) => Promise<T>): Promise<T> {
    const connection = await this.acquire();
    try {
      return await use(connection);
    } finally {
      this.release(connection);
    }
  }

  /** Closes every connection, those in use too, and turns away who waits. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiting.splice(0)) {
      waiter.reject(new PgError('the server is shutting down', SHUTTING_DOWN));
    }
    for (const connection of [...this.#open]) connection.close();
  }

  #connect(): Promise<PgConnection> {
    const connection = new PgConnection(this.#target);
    this.#open.add(connection);
    connection.onclose = () => this.#forget(connection);
    return connection.connect();
  }

  /** A connection that ended leaves its place to the first in line. */
  #forget(connection: PgConnection): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#closed) return;
    const next = this.#waiting.shift();
    if (next) this.#connect().then(next.resolve, next.reject);
  }
}
