import type { Collection, Db, Document } from 'mongodb';
import { ContentHash, type ContentSummary } from '../backup/content-hash.ts';
import { BackupError } from '../backup/errors.ts';
import type { Backup } from '../backup/read.ts';
import { exactly } from './exact.ts';

/** Documents are sent in commands of about this size, two of them at once: while one is stored, the next is read. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_DOCUMENTS = 1_000;

/** Unacknowledged by others until the end: what marks the database as whole is written behind all of it. */
const QUICKLY = { writeConcern: { w: 1 } } as const;

/**
 * Puts the documents of a backup into a collection that has no index yet, and reads them back.
 * @throws {BackupDamagedError} when the backup is not what was written
 * @throws {BackupError} when the collection does not hold exactly what the backup does
 */
export async function loadCollection(
  db: Db,
  backup: Backup,
  name: string,
  onDocuments: (documents: number) => void,
): Promise<ContentSummary> {
  const collection = await db.createCollection(name, QUICKLY);
  const inserter = new Inserter(collection, onDocuments);
  for await (const document of backup.documents(name)) await inserter.add(document);
  await inserter.end();
  const expected = backup.manifest.collections.find((each) => each.name === name) as ContentSummary;
  const found = await summaryOf(db, name);
  if (found.documents !== expected.documents || found.digest !== expected.digest)
    throw new BackupError(`${name} does not hold what was put into it.`);
  return found;
}

/** What a collection holds; in whatever order. */
export async function summaryOf(db: Db, name: string): Promise<ContentSummary> {
  const content = new ContentHash();
  const documents = db.collection(name).find({}, { raw: true, batchSize: BATCH_DOCUMENTS });
  for await (const document of documents as unknown as AsyncIterable<Uint8Array>) content.add(document);
  return content.summary();
}

class Inserter {
  readonly #collection: Collection;
  readonly #onDocuments: (documents: number) => void;
  #batch: Document[] = [];
  #bytes = 0;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(collection: Collection, onDocuments: (documents: number) => void) {
    this.#collection = collection;
    this.#onDocuments = onDocuments;
  }

  async add(document: Uint8Array): Promise<void> {
    this.#batch.push(exactly(document));
    this.#bytes += document.length;
    if (this.#bytes >= BATCH_BYTES || this.#batch.length >= BATCH_DOCUMENTS) await this.#send();
  }

  async end(): Promise<void> {
    if (this.#batch.length > 0) await this.#send();
    await this.#sending;
  }

  async #send(): Promise<void> {
    await this.#sending;
    const batch = this.#batch;
    [this.#batch, this.#bytes] = [[], 0];
    this.#sending = this.#collection.insertMany(batch, { ordered: false }).then(() => this.#onDocuments(batch.length));
    // It is told of when the next one is to be sent.
    this.#sending.catch(() => {});
  }
}
