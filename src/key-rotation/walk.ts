import type { Db, Document, WithId } from 'mongodb';
import { collections } from '../collections/index.ts';
import { journal } from '../collections/journal.ts';
import { type FieldContext, type Keyring, placeOf } from '../lib/keyring.ts';
import { hashBeside } from '../models/sensitive.ts';

/** Small enough that a batch of kept responses fits into memory and into one command. */
const BATCH = 200;

/** Where an entry of the journal has its document. */
const IMAGE = 'image.';

/** A collection with the paths of its encrypted fields. */
export interface EncryptedCollection {
  readonly name: string;
  readonly paths: readonly string[];
  /** What it takes besides those to know the places of a document's values. */
  readonly naming: readonly string[];
  readonly placeIn: (document: WithId<Document>, path: string) => FieldContext;
}

/** What the models mark as sensitive, and last the images of it in the journal, which are copies of ciphertexts. */
export function encryptedCollections(): EncryptedCollection[] {
  const encrypted = collections.filter((each) => Object.keys(each.encrypted).length > 0);
  const paths = encrypted
    .filter(({ notJournaled }) => notJournaled === undefined)
    .flatMap((each) => Object.keys(each.encrypted));
  const images: EncryptedCollection = {
    name: journal.name,
    paths: [...new Set(paths)].map((path) => `${IMAGE}${path}`),
    naming: ['collection', 'documentId'],
    placeIn: ({ collection, documentId }, path) => placeOf(collection, documentId, path.slice(IMAGE.length)),
  };
  const stored = encrypted.map(
    (each): EncryptedCollection => ({
      name: each.name,
      paths: Object.keys(each.encrypted),
      naming: [],
      placeIn: ({ _id }, path) => placeOf(each.name, _id, path),
    }),
  );
  return images.paths.length > 0 ? [...stored, images] : stored;
}

/** A stored value of an encrypted field. */
export interface EncryptedValue {
  readonly id: WithId<Document>['_id'];
  readonly path: string;
  readonly value: unknown;
  readonly place: FieldContext;
}

/**
 * The encrypted values of a collection, batch by batch in the order of `_id`: each query is bounded, however many
 * documents have no such value. What is inserted behind it meanwhile is not met.
 * @param onDocuments is told how many documents each batch had
 */
export async function* walk(
  db: Db,
  encrypted: EncryptedCollection,
  onDocuments: (count: number) => void,
): AsyncGenerator<EncryptedValue[]> {
  const { name, paths, naming } = encrypted;
  const projection = Object.fromEntries([...paths, ...naming].map((path) => [path, 1]));
  let last: WithId<Document>['_id'] | undefined;
  do {
    const batch: WithId<Document>[] = await db
      .collection(name)
      .find(last === undefined ? {} : { _id: { $gt: last } }, { projection })
      .sort({ _id: 1 })
      .limit(BATCH)
      .hint({ _id: 1 })
      .toArray();
    yield batch.flatMap((document) => valuesOf(document, encrypted));
    onDocuments(batch.length);
    last = batch.length === BATCH ? batch.at(-1)?._id : undefined;
  } while (last !== undefined);
}

/** The encrypted values of one document. */
export const valuesOf = (document: WithId<Document>, { paths, placeIn }: EncryptedCollection): EncryptedValue[] =>
  paths.flatMap((path) => {
    const value = valueAt(document, path.split('.'));
    return value === undefined ? [] : [{ id: document._id, path, value, place: placeIn(document, path) }];
  });

/** What has to be written with a value, as it is by the same key: the hash that finds it, by its path. */
export function besideOf(keyring: Keyring, { path, place }: EncryptedValue, value: string): Record<string, string> {
  const { model } = collections.find(({ name }) => name === place.collection) ?? {};
  const within = path.slice(0, path.length - place.field.length);
  const beside = model ? hashBeside(keyring, model, place.field, value) : {};
  return Object.fromEntries(Object.entries(beside).map(([name, hash]) => [within + name, hash]));
}

const valueAt = (document: unknown, [name, ...rest]: readonly string[]): unknown =>
  name === undefined ? document : valueAt((document as Document | null | undefined)?.[name], rest);

/** For the progress: an estimate that costs no scan. */
export async function countDocuments(db: Db): Promise<number> {
  const counts = await Promise.all(
    encryptedCollections().map(({ name }) => db.collection(name).estimatedDocumentCount()),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
