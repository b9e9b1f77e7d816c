import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { BSON, type Db, type MongoClient } from 'mongodb';
import { collections } from '../collections/index.ts';
import { appliedMigrations, MIGRATE_MONGO } from '../migrations.ts';
import { ContentHash, type ContentSummary } from './content-hash.ts';
import { ALGORITHM, ENCRYPTED, encrypted } from './encryption.ts';
import { type BackupKey, keyCheck } from './keys.ts';
import { MANIFEST, type Manifest, manifestHash, type StoredFile, writeManifest } from './manifest.ts';
import { NotedFile, once } from './noted-file.ts';
import { type Reading, readAtOneMoment, readingOf } from './reading.ts';
import type { Storage } from './storage/storage.ts';

/** Documents are handed on in pieces of about this size: a step for each document would cost more than the copy. */
const PIECE_BYTES = 262_144;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export interface BackupSource {
  readonly client: MongoClient;
  readonly db: Db;
}

export interface BackupOptions {
  readonly storage: Storage;
  /** Without one the backup is in clear. */
  readonly key: BackupKey | undefined;
  /** The line of journal segments that goes on from this backup. */
  readonly timeline?: string | undefined;
  /** Ends the run; what it has written is not removed. */
  readonly signal: AbortSignal;
  /** Is told how many documents have been read, and of what. */
  readonly onDocuments?: (documents: number, collection: string) => void;
}

export interface WrittenBackup {
  readonly manifest: Manifest;
  /** Stands for all of it. */
  readonly hash: string;
}

/** What comes along when a journal is looked through from a moment on: clocks differ, and a transaction lives a minute. */
export const MARGIN_MS = 120_000;

const JOURNAL = 'journal';

/** Collections whose documents a backup holds; of the others it has indexes and validator. */
export const savedCollections = (): string[] => [
  ...collections.flatMap(({ name, notBackedUp }) => (notBackedUp === undefined ? [name] : [])),
  MIGRATE_MONGO.changelogCollectionName,
];

const emptyCollections = (): string[] =>
  collections.flatMap(({ name, notBackedUp }) => (notBackedUp === undefined || name === JOURNAL ? [] : [name]));

/** The directory of a database in a backup: letters, digits and `-_.%` alone. */
export const directoryOf = (database: string): string =>
  encodeURIComponent(database).replaceAll(/[!~*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Copies a database into a directory of its own, as `mongodump --gzip` would: each collection as it is when its turn
 * comes, and what the journal has from the beginning to the end, which makes one moment of them. The manifest comes last:
 * until then it is no backup.
 */
export async function writeBackup(id: string, source: BackupSource, options: BackupOptions): Promise<WrittenBackup> {
  const { db } = source;
  const startedAt = new Date();
  const migrations = await appliedMigrations(db);
  const copy = new Copy(id, source, options);
  for (const name of savedCollections()) await copy.add(name, (from) => from.documents(name));
  for (const name of emptyCollections()) await copy.add(name, nothing);
  const moment = await copy.addJournal(new Date(startedAt.getTime() - MARGIN_MS));
  const manifest: Manifest = {
    format: 'roster-backup/1',
    id,
    tool: version,
    database: db.databaseName,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    consistent: moment !== undefined,
    ...(moment && { moment: moment.toISOString() }),
    ...(options.timeline !== undefined && { timeline: options.timeline }),
    migrations,
    encryption: options.key ? { algorithm: ALGORITHM, keyId: options.key.id, check: keyCheck(options.key, id) } : null,
    collections: copy.summaries,
    files: copy.files,
  };
  const text = writeManifest(manifest, options.key);
  options.signal.throwIfAborted();
  await options.storage.write(`${id}/${MANIFEST}`, once(Buffer.from(text)));
  return { manifest, hash: manifestHash(text) };
}

async function* nothing(): AsyncGenerator<never> {}

/** The collections of one backup. */
class Copy {
  readonly summaries: ({ name: string } & ContentSummary)[] = [];
  readonly #source: BackupSource;
  readonly #files: BackupFiles;
  readonly #onDocuments: BackupOptions['onDocuments'];

  constructor(id: string, source: BackupSource, options: BackupOptions) {
    this.#source = source;
    this.#files = new BackupFiles(id, options);
    this.#onDocuments = options.onDocuments;
  }

  get files(): StoredFile[] {
    return this.#files.written;
  }

  async add(
    name: string,
    documents: (reading: Reading) => AsyncIterable<Uint8Array>,
    reading = readingOf(this.#source.db),
  ): Promise<void> {
    const { db } = this.#source;
    const content = new ContentHash();
    const path = `${directoryOf(db.databaseName)}/${name}`;
    await this.#files.write(`${path}.bson.gz`, inPieces(documents(reading), content, name, this.#onDocuments));
    await this.#files.write(`${path}.metadata.json.gz`, once(Buffer.from(await metadataOf(db, name))));
    this.summaries.push({ name, ...content.summary() });
  }

  /** @returns the moment that all changes are there of; undefined where the database did not keep it long enough */
  async addJournal(from: Date): Promise<Date | undefined> {
    const { client, db } = this.#source;
    let moment: Date | undefined;
    await readAtOneMoment(client, db, async (reading) => {
      // Before the database chooses the moment: what is acknowledged until here is in it.
      moment = reading.isOfOneMoment ? new Date() : undefined;
      await this.add(JOURNAL, () => reading.journal(from), reading);
    });
    return moment;
  }
}

/** Options and indexes of a collection, as `mongorestore` reads them. */
export async function metadataOf(db: Db, name: string): Promise<string> {
  const [info] = await db.listCollections({ name }).toArray();
  const options = (info && 'options' in info && info.options) || {};
  const indexes = info ? await db.collection(name).indexes() : [];
  return BSON.EJSON.stringify({ options, indexes, collectionName: name, type: 'collection' }, { relaxed: false });
}

async function* inPieces(
  documents: AsyncIterable<Uint8Array>,
  content: ContentHash,
  collection: string,
  onDocuments?: BackupOptions['onDocuments'],
): AsyncGenerator<Buffer> {
  let [piece, size]: [Uint8Array[], number] = [[], 0];
  for await (const document of documents) {
    content.add(document);
    piece.push(document);
    size += document.length;
    if (size < PIECE_BYTES) continue;
    yield Buffer.concat(piece, size);
    onDocuments?.(piece.length, collection);
    [piece, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(piece, size);
  onDocuments?.(piece.length, collection);
}

/** The files of one backup: compressed, encrypted if there is a key, and noted for the manifest. */
class BackupFiles {
  readonly written: StoredFile[] = [];
  readonly #id: string;
  readonly #options: BackupOptions;

  constructor(id: string, options: BackupOptions) {
    this.#id = id;
    this.#options = options;
  }

  async write(name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { storage, key, signal } = this.#options;
    const path = key ? `${name}${ENCRYPTED}` : name;
    const noted = new NotedFile(path);
    const place = { backupId: this.#id, path };
    let broken: unknown;
    const store = (compressed: AsyncIterable<Buffer>): Promise<void> => {
      const stored = noted.through(key ? encrypted(compressed, key, place) : compressed);
      return storage.write(`${this.#id}/${path}`, stored).catch((error: unknown) => {
        broken = error;
        throw error;
      });
    };
    await pipeline(content, createGzip(), store, { signal }).catch((error: unknown) => {
      // The pipeline tells of whatever it ends first, which may be what ended because of something else.
      signal.throwIfAborted();
      throw broken ?? error;
    });
    this.written.push(noted.file());
  }
}
