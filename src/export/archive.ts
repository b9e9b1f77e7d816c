import mongoose, { type Types } from 'mongoose';
import type { Collection } from '../collections/define.ts';
import { collections } from '../collections/index.ts';

/** The name and version of the format: a later version adds fields, and takes none away. */
export const ARCHIVE_FORMAT = 'roster-person/1';

/** So many documents are read at a time. */
const BATCH = 200;

/** The collections that hold something of a person, with the path of whose it is. */
export const ARCHIVED: readonly { readonly collection: Collection; readonly path: string }[] = collections.flatMap(
  (collection) => {
    if (collection.archived.length === 0) return [];
    const owner = collection.relations.find(({ to }) => to === 'users');
    return [{ collection, path: owner?.path ?? '_id' }];
  },
);

/**
 * All that is kept of a person, as the text of one JSON object: `format`, `exportedAt` (ISO 8601), and for each
 * collection its documents, oldest first, each with its `id` and the paths that the collection declares. Secrets (hashes,
 * keys, tokens) are not in it. In pieces, so that memory stays flat however much there is.
 */
export async function* archiveOf(userId: Types.ObjectId, now = new Date()): AsyncGenerator<string> {
  yield `{"format":${JSON.stringify(ARCHIVE_FORMAT)},"exportedAt":${JSON.stringify(now)}`;
  for (const { collection, path } of ARCHIVED) {
    yield `,\n${JSON.stringify(collection.name)}:[`;
    let first = true;
    for await (const text of documentsOf(collection, { [path]: userId })) {
      yield `${first ? '' : ','}\n${text}`;
      first = false;
    }
    yield ']';
  }
  yield '}\n';
}

async function* documentsOf(collection: Collection, filter: object): AsyncGenerator<string> {
  const projection = Object.fromEntries(collection.archived.map((path) => [path, 1]));
  const found = mongoose.connection
    .collection(collection.name)
    .find(filter, { projection, sort: { _id: 1 }, batchSize: BATCH });
  for await (const { _id, ...document } of found) yield JSON.stringify({ id: _id, ...document });
}
