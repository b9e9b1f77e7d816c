import { documentsIn, uncompressed } from './bson-file.ts';
import { ContentHash } from './content-hash.ts';
import { decrypted, ENCRYPTED } from './encryption.ts';
import { BackupDamagedError, BackupError } from './errors.ts';
import { type BackupKey, type BackupKeys, keyOf } from './keys.ts';
import {
  isBackupId,
  MANIFEST,
  type Manifest,
  manifestHash,
  openManifest,
  peekManifest,
  type StoredFile,
  writeManifest,
} from './manifest.ts';
import { NotedFile, once } from './noted-file.ts';
import { DirectoryStorage } from './storage/directory.ts';
import { readText, type Storage } from './storage/storage.ts';
import { directoryOf } from './write.ts';

/**
 * Backups in a storage, the newest first. What stands in their manifests is not verified.
 * @param onDamaged is told of those whose manifest cannot be read
 */
export async function listBackups(
  storage: Storage,
  onDamaged: (error: BackupError) => void = () => {},
): Promise<Manifest[]> {
  const ids = (await storage.directories()).filter(isBackupId).sort().reverse();
  const found: Manifest[] = [];
  for (const id of ids) {
    const text = await readText(storage, `${id}/${MANIFEST}`);
    try {
      if (text !== undefined) found.push(peekManifest(text, id));
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      onDamaged(error);
    }
  }
  return found;
}

/**
 * Opens a backup, and reads nothing of it but its manifest.
 * @throws {BackupKeyError} when it is encrypted and its key is not among `keys`
 * @throws {BackupDamagedError} when the manifest is not what was written
 */
export async function openBackup(storage: Storage, id: string, keys?: BackupKeys): Promise<Backup> {
  const text = isBackupId(id) ? await readText(storage, `${id}/${MANIFEST}`) : undefined;
  if (text === undefined) throw new BackupError(`There is no backup ${id} in ${storage.location}.`);
  const manifest = openManifest(text, id, keys);
  const key = manifest.encryption
    ? keyOf(keys, { id, whole: `Backup ${id}`, encryption: manifest.encryption })
    : undefined;
  return new Backup(storage, manifest, key, manifestHash(text));
}

/** A backup whose manifest is what was written; its files are compared with it while they are read. */
export class Backup {
  readonly manifest: Manifest;
  readonly hash: string;
  readonly #storage: Storage;
  readonly #key: BackupKey | undefined;

  constructor(storage: Storage, manifest: Manifest, key: BackupKey | undefined, hash: string) {
    this.#storage = storage;
    this.manifest = manifest;
    this.#key = key;
    this.hash = hash;
  }

  /**
   * The documents of a collection as BSON, in the order of `_id`. That they are all there is known at the end.
   * @throws {BackupDamagedError} when they are not what was written
   */
  async *documents(collection: string): AsyncGenerator<Buffer> {
    const expected = this.manifest.collections.find(({ name }) => name === collection);
    if (!expected) throw new BackupError(`Backup ${this.manifest.id} holds no collection ${collection}.`);
    const content = new ContentHash();
    for await (const document of this.#bson(`${directoryOf(this.manifest.database)}/${collection}.bson.gz`)) {
      content.add(document);
      yield document;
    }
    const { documents, sha256, digest } = content.summary();
    if (documents !== expected.documents || sha256 !== expected.sha256 || digest !== expected.digest)
      throw new BackupDamagedError(`The documents of ${collection} are not those that were written.`);
  }

  /**
   * Reads all of it once, and keeps nothing: to know that it is what was written before anything is done with it.
   * @param onDocuments is told how many documents have been read
   * @throws {BackupDamagedError} when it is not
   */
  async verify(onDocuments: (documents: number) => void = () => {}): Promise<void> {
    for (const { name } of this.manifest.collections) {
      await this.metadata(name);
      for await (const _document of this.documents(name)) onDocuments(1);
    }
  }

  /** Options and indexes of a collection, as extended JSON. */
  async metadata(collection: string): Promise<string> {
    const pieces: Uint8Array[] = [];
    const name = `${directoryOf(this.manifest.database)}/${collection}.metadata.json.gz`;
    for await (const piece of uncompressed(this.#content(name), name)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  /**
   * Writes the backup without its encryption, as `mongorestore --gzip` reads it, into a directory of its id.
   * @param signal ends it
   * @throws {BackupError} when there is one already; nothing is left behind then, nor when it fails or is ended
   */
  async decryptInto(directory: string, signal?: AbortSignal): Promise<void> {
    const target = new DirectoryStorage(directory);
    const { id } = this.manifest;
    if ((await target.directories()).includes(id)) throw new BackupError(`${directory} holds ${id} already.`);
    const files: StoredFile[] = [];
    try {
      for (const { path } of this.manifest.files) {
        const name = plainName(path);
        const noted = new NotedFile(name);
        await target.write(`${id}/${name}`, noted.through(until(signal, this.#content(name))));
        files.push(noted.file());
      }
      const text = writeManifest({ ...this.manifest, encryption: null, files }, undefined);
      await target.write(`${id}/${MANIFEST}`, once(Buffer.from(text)));
    } catch (error) {
      await target.removeDirectory(id);
      throw error;
    }
  }

  #bson(name: string): AsyncGenerator<Buffer> {
    return documentsIn(uncompressed(this.#content(name), name), name);
  }

  /** A file by its name in a backup without encryption: compared with the manifest, opened, still compressed. */
  async *#content(name: string): AsyncGenerator<Uint8Array> {
    const expected = this.manifest.files.find(({ path }) => plainName(path) === name);
    const { id } = this.manifest;
    const stored = expected && (await this.#storage.read(`${id}/${expected.path}`));
    if (!stored) throw new BackupDamagedError(`${id}/${name} is missing.`);
    const noted = new NotedFile(expected.path);
    const bytes = noted.through(stored);
    yield* this.#key ? decrypted(bytes, this.#key, { backupId: id, path: expected.path }) : bytes;
    if (noted.file().sha256 !== expected.sha256)
      throw new BackupDamagedError(`${id}/${expected.path} is not the file that was written.`);
  }
}

const plainName = (path: string): string => path.replace(new RegExp(`\\${ENCRYPTED}$`), '');

async function* until(signal: AbortSignal | undefined, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    signal?.throwIfAborted();
    yield piece;
  }
}
