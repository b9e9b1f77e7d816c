import { BSON, type Db, type Document } from 'mongodb';
import { BackupError } from '../backup/errors.ts';
import type { Backup } from '../backup/read.ts';
import { metadataOf } from '../backup/write.ts';

interface Metadata {
  readonly options: Document;
  readonly indexes: readonly Document[];
}

/**
 * Gives a collection the indexes and the validator of the backup, once its documents are there.
 * @throws when its documents break a unique index
 * @throws {BackupError} when it has others afterwards
 */
export async function shapeCollection(db: Db, backup: Backup, name: string): Promise<void> {
  const wanted = parse(await backup.metadata(name));
  for (const { key, v: _version, ns: _namespace, ...options } of wanted.indexes)
    if (options['name'] !== '_id_') await db.collection(name).createIndex(key, options);
  const { validator, validationLevel = 'strict', validationAction = 'error' } = wanted.options;
  if (validator) await db.command({ collMod: name, validator, validationLevel, validationAction });
  const found = parse(await metadataOf(db, name));
  if (comparable(found) !== comparable(wanted))
    throw new BackupError(`${name} has not the indexes and the validator that it had.`);
}

const parse = (text: string): Metadata => BSON.EJSON.parse(text) as unknown as Metadata;

/** Servers list indexes in the order in which they were made, and say of some where they are. */
function comparable({ options, indexes }: Metadata): string {
  const { validator, validationLevel, validationAction } = options;
  const own = indexes.map(({ ns: _namespace, ...index }) => index);
  return JSON.stringify([
    { validator, validationLevel, validationAction },
    own.sort((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1)),
  ]);
}
