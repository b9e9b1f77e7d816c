import type { ConnectionCheckOutFailedEvent, MongoClient, MongoClientEvents } from 'mongodb';

type PoolEvent = { readonly address: string; readonly connectionId: number | '<monitor>' };

const nameOf = (event: PoolEvent): string => `${event.address}#${event.connectionId}`;

/**
 * Knows the state of a client's connection pool from its events. It remembers connections by name instead of counting
 * up and down, so joining a client that is already connected never leaves a count wrong for good.
 */
export class PoolWatch {
  #open = new Set<string>();
  #inUse = new Set<string>();
  #waiting = 0;
  #exhausted = 0;

  readonly #listeners: Partial<MongoClientEvents> = {
    connectionCreated: (event) => void this.#open.add(nameOf(event)),
    connectionClosed: (event) => {
      this.#open.delete(nameOf(event));
      this.#inUse.delete(nameOf(event));
    },
    connectionCheckOutStarted: () => void this.#waiting++,
    connectionCheckedOut: (event) => {
      this.#settle();
      this.#open.add(nameOf(event));
      this.#inUse.add(nameOf(event));
    },
    connectionCheckOutFailed: (event) => this.#fail(event),
    connectionCheckedIn: (event) => void this.#inUse.delete(nameOf(event)),
  };

  get open(): number {
    return this.#open.size;
  }

  get inUse(): number {
    return this.#inUse.size;
  }

  /** Operations that wait for a connection. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Operations that gave up waiting for one, since the start. */
  get exhausted(): number {
    return this.#exhausted;
  }

  /** Listens to a client; the function returned stops it. */
  follow(client: MongoClient): () => void {
    const entries = Object.entries(this.#listeners) as [keyof MongoClientEvents, () => void][];
    for (const [name, listener] of entries) client.on(name, listener);
    return () => {
      for (const [name, listener] of entries) client.off(name, listener);
    };
  }

  #fail(event: ConnectionCheckOutFailedEvent): void {
    this.#settle();
    if (event.reason === 'timeout') this.#exhausted++;
  }

  #settle(): void {
    if (this.#waiting > 0) this.#waiting--;
  }
}
