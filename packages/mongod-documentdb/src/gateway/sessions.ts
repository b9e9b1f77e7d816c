import type { Transaction } from './transactions.ts';

/** A session with neither an open transaction nor a use in a long time may be forgotten: that many are kept. */
const MAX_SESSIONS = 20_000;
const KEPT_WHEN_FULL = 15_000;

/** What the server remembers of a client's logical session. */
export interface Session {
  transaction?: Transaction | undefined;
  /** Number of the transaction that was committed last: committing it again succeeds again. */
  lastCommitted?: string;
  /** The last retryable write: sent again (same `key`), it gets the same reply and is not done again. */
  lastWrite?: { readonly key: string; readonly reply: Promise<Buffer> } | undefined;
}

/** Logical sessions by their id (hexadecimal). */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  find(id: string | undefined): Session | undefined {
    return id === undefined ? undefined : this.#sessions.get(id);
  }

  obtain(id: string): Session {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    if (this.#sessions.size >= MAX_SESSIONS) this.#forgetOldest();
    const session: Session = {};
    this.#sessions.set(id, session);
    return session;
  }

  delete(id: string): void {
    this.#sessions.delete(id);
  }

  values(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** A Map iterates in order of insertion: the oldest sessions go first. */
  #forgetOldest(): void {
    for (const [id, session] of this.#sessions) {
      if (this.#sessions.size <= KEPT_WHEN_FULL) return;
      if (session.transaction === undefined) this.#sessions.delete(id);
    }
  }
}
