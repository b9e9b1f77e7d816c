import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { BSON, type Db, type MongoClient } from 'mongodb';
import { collections } from '../collections/index.ts';
import { appliedMigrations, MIGRATE_MONGO } from '../migrations.ts';
import { ContentHash, type ContentSummary } from './content-hash.ts';
import { ALGORITHM, encrypted } from './encryption.ts';
import { type BackupKey, keyCheck } from './keys.ts';
import { MANIFEST, type Manifest, manifestHash, type StoredFile, writeManifest } from './manifest.ts';
import { NotedFile, once } from './noted-file.ts';
import { type Reading, readAtOneMoment } from './reading.ts';
import type { Storage } from './storage/storage.ts';

/** Documents are handed on in pieces of about this size: a step for each document would cost more than the copy. */
const PIECE_BYTES = 262_144;

/** Behind the names of encrypted files. */
export const ENCRYPTED = '.enc';

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

/** What a backup holds: the listed collections but those that say why not, and what tells how far migrations went. */
export const savedCollections = (): string[] => [
  ...collections.flatMap(({ name, notBackedUp }) => (notBackedUp === undefined ? [name] : [])),
  MIGRATE_MONGO.changelogCollectionName,
];

/** The directory of a database in a backup: letters, digits and `-_.%` alone. */
export const directoryOf = (database: string): string =>
  encodeURIComponent(database).replaceAll(/[!~*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Copies a database into a directory of its own, as `mongodump --gzip` would. The manifest comes last: until then it is
 * no backup.
 */
export async function writeBackup(
  id: string,
  { client, db }: BackupSource,
  options: BackupOptions,
): Promise<WrittenBackup> {
  const startedAt = new Date();
  const migrations = await appliedMigrations(db);
  const copy = (reading: Reading) => copyAll(db, reading, new BackupFiles(id, options), options);
  const { files, summaries, consistent } = await readAtOneMoment(client, db, copy);
  const manifest: Manifest = {
    format: 'roster-backup/1',
    id,
    tool: version,
    database: db.databaseName,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    consistent,
    migrations,
    encryption: options.key ? { algorithm: ALGORITHM, keyId: options.key.id, check: keyCheck(options.key, id) } : null,
    collections: summaries,
    files: files.written,
  };
  const text = writeManifest(manifest, options.key);
  options.signal.throwIfAborted();
  await options.storage.write(`${id}/${MANIFEST}`, once(Buffer.from(text)));
  return { manifest, hash: manifestHash(text) };
}

async function copyAll(db: Db, reading: Reading, files: BackupFiles, { onDocuments }: BackupOptions) {
  const summaries: ({ name: string } & ContentSummary)[] = [];
  const directory = directoryOf(db.databaseName);
  for (const name of savedCollections()) {
    const content = new ContentHash();
    await files.write(`${directory}/${name}.metadata.json.gz`, once(Buffer.from(await metadataOf(db, name))));
    await files.write(`${directory}/${name}.bson.gz`, inPieces(reading.documents(name), content, name, onDocuments));
    summaries.push({ name, ...content.summary() });
  }
  return { files, summaries, consistent: reading.consistent };
}

/** Options and indexes of a collection, as `mongorestore` reads them. */
async function metadataOf(db: Db, name: string): Promise<string> {
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
