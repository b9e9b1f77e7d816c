import { type AnyBulkWriteOperation, BSON, type Db, type Document, MongoBulkWriteError } from 'mongodb';
import { exactly } from './exact.ts';

const BATCH = 500;
const DUPLICATE_KEY = 11_000;

/** As the journal counts the changes of a document, in the document. */
const REVISION = 'journalRevision';
/** Of what is removed by now, and stands for its count until the end: no older image may bring it back. */
const GONE = 'journalGone';

interface Change {
  readonly collection: string;
  readonly id: unknown;
  readonly revision: number;
  /** Absent once it is removed. */
  readonly image?: Document;
}

/**
 * Brings collections to a moment: of each document the image with the highest revision stays. The order of entries does
 * not matter, nor how often one comes.
 */
export class Replay {
  readonly #db: Db;
  readonly #until: Date;
  readonly #collections: ReadonlySet<string>;
  readonly #touched = new Set<string>();
  #pending = new Map<string, Change>();
  #entries = 0;

  /** @param collections those that were loaded, and those that migrations may have made since; of others nothing is known */
  constructor(db: Db, until: Date, collections: readonly string[]) {
    this.#db = db;
    this.#until = until;
    this.#collections = new Set(collections);
  }

  /** How many entries it took. */
  get entries(): number {
    return this.#entries;
  }

  /** Collections that are no longer as they were loaded. */
  get touched(): readonly string[] {
    return [...this.#touched];
  }

  /** @param isPast whether it was committed before that moment, whatever the clock said of whoever wrote it */
  async add(entry: Uint8Array, isPast = false): Promise<void> {
    const { collection, documentId: id, at, revision, image } = exactly(entry);
    if ((at > this.#until && !isPast) || !this.#collections.has(collection)) return;
    this.#entries += 1;
    const change = { collection, id, revision: Number(revision), ...(image && { image }) };
    const key = `${collection} ${BSON.EJSON.stringify(id)}`;
    const known = this.#pending.get(key);
    if (!known || known.revision < change.revision) this.#pending.set(key, change);
    if (this.#pending.size >= BATCH) await this.#flush();
  }

  /** To be called once, at the end, before any unique index is made. */
  async end(): Promise<void> {
    await this.#flush();
    for (const name of this.#touched) await this.#db.collection(name).deleteMany({ [GONE]: true });
  }

  async #flush(): Promise<void> {
    const changes = new Map<string, Change[]>();
    for (const change of this.#pending.values())
      changes.set(change.collection, [...(changes.get(change.collection) ?? []), change]);
    this.#pending = new Map();
    for (const [name, own] of changes) {
      this.#touched.add(name);
      await this.#db
        .collection(name, { writeConcern: { w: 1 } })
        .bulkWrite(own.map(operationOf), { ordered: false })
        .catch(ignoringNewer);
    }
  }
}

const operationOf = ({ id, revision, image }: Change): AnyBulkWriteOperation => ({
  replaceOne: {
    filter: {
      _id: id as never,
      $or: [{ [REVISION]: { $lt: revision } }, { [REVISION]: { $exists: false } }],
    },
    replacement: image ?? { [REVISION]: revision, [GONE]: true },
    upsert: true,
  },
});

/** Where a newer image stands, the filter does not find it, and the insertion meets its id. */
function ignoringNewer(error: unknown): void {
  const errors = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
  if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
}
