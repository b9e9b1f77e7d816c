import type { PgConnection } from '../postgres/connection.ts';

/** As MongoDB: a cursor that nobody asks for more is closed after ten minutes. */
const IDLE_MS = 600_000;

interface Cursor {
  readonly db: string;
  readonly collection: string;
  /** The connection that the engine needs for this cursor, if it cannot be continued on any. */
  readonly engine: PgConnection | null;
  /** Where the engine goes on. */
  continuation: Buffer;
  busy: boolean;
  /** Set when the collection is gone: what the engine would go on with is the end, as if nothing were missing. */
  isOrphan: boolean;
  usedAt: number;
}

/** Open cursors by their id. */
export class Cursors {
  readonly #cursors = new Map<string, Cursor>();

  get size(): number {
    return this.#cursors.size;
  }

  open(id: string, cursor: Pick<Cursor, 'db' | 'collection' | 'engine' | 'continuation'>): void {
    this.#cursors.set(id, { ...cursor, busy: false, isOrphan: false, usedAt: Date.now() });
  }

  find(id: string): Cursor | undefined {
    return this.#cursors.get(id);
  }

  /** Forgets a cursor that has reached its end. */
  finish(id: string): void {
    this.#cursors.delete(id);
  }

  /** Closes a cursor before its end; false when there is none. */
  drop(id: string): boolean {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) return false;
    this.#cursors.delete(id);
    cursor.engine?.close();
    return true;
  }

  /** Marks the cursors of a collection, or of all in `db`, that was dropped or renamed. */
  orphan(db: string, collection?: string): void {
    for (const cursor of this.#cursors.values()) {
      if (cursor.db === db && (collection ?? cursor.collection) === cursor.collection) cursor.isOrphan = true;
    }
  }

  /** Closes the cursors that have been idle for too long. */
  dropIdle(now: number): void {
    for (const [id, cursor] of this.#cursors) if (cursor.usedAt < now - IDLE_MS) this.drop(id);
  }
}
