import type { Db, Document, WithId } from 'mongodb';
import { collections } from '../collections/index.ts';
import { type FieldContext, placeOf } from '../lib/keyring.ts';

/** Small enough that a batch of kept responses fits into memory and into one command. */
const BATCH = 200;

/** A collection with the paths of its encrypted fields. */
export interface EncryptedCollection {
  readonly name: string;
  readonly paths: readonly string[];
}

/** What is declared encrypted: whoever adds such a field has no other list to think of. */
export const encryptedCollections: readonly EncryptedCollection[] = collections
  .map(({ name, encrypted }) => ({ name, paths: Object.keys(encrypted) }))
  .filter(({ paths }) => paths.length > 0);

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
  { name, paths }: EncryptedCollection,
  onDocuments: (count: number) => void,
): AsyncGenerator<EncryptedValue[]> {
  const projection = Object.fromEntries(paths.map((path) => [path, 1]));
  let last: WithId<Document>['_id'] | undefined;
  do {
    const batch: WithId<Document>[] = await db
      .collection(name)
      .find(last === undefined ? {} : { _id: { $gt: last } }, { projection })
      .sort({ _id: 1 })
      .limit(BATCH)
      .hint({ _id: 1 })
      .toArray();
    yield batch.flatMap((document) => valuesOf(document, name, paths));
    onDocuments(batch.length);
    last = batch.length === BATCH ? batch.at(-1)?._id : undefined;
  } while (last !== undefined);
}

/** The encrypted values of one document. */
export const valuesOf = (document: WithId<Document>, collection: string, paths: readonly string[]): EncryptedValue[] =>
  paths.flatMap((path) => {
    const value = valueAt(document, path.split('.'));
    const { _id: id } = document;
    return value === undefined ? [] : [{ id, path, value, place: placeOf(collection, id, path) }];
  });

const valueAt = (document: unknown, [name, ...rest]: readonly string[]): unknown =>
  name === undefined ? document : valueAt((document as Document | null | undefined)?.[name], rest);

/** For the progress: an estimate that costs no scan. */
export async function countDocuments(db: Db): Promise<number> {
  const counts = await Promise.all(
    encryptedCollections.map(({ name }) => db.collection(name).estimatedDocumentCount()),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
