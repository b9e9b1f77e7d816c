import type { Db, Document } from 'mongodb';

const BATCH = 1000;

/**
 * Copies collections with their options, documents and indexes.
 * @param sampleSize at most so many documents of each collection, picked at random; all of them without it
 * @returns how many documents were copied
 */
export async function copyDatabase(from: Db, to: Db, sampleSize?: number): Promise<number> {
  let copied = 0;
  for (const info of await from.listCollections({ type: 'collection' }).toArray()) {
    // The lock of the original says nothing about the copy.
    if (info.name.startsWith('system.') || info.name === 'changelog_lock') continue;
    await to.createCollection(info.name);
    copied += await copyDocuments(from, to, info.name, info.name === 'changelog' ? undefined : sampleSize);
    await copyIndexes(from, to, info.name);
    const {
      validator,
      validationLevel = 'strict',
      validationAction = 'error',
    } = ('options' in info ? info.options : undefined) ?? {};
    // Last, because documents older than a rule stand in the original too.
    if (validator) await to.command({ collMod: info.name, validator, validationLevel, validationAction });
  }
  return copied;
}

async function copyDocuments(from: Db, to: Db, name: string, sampleSize?: number): Promise<number> {
  const pipeline = sampleSize === undefined ? [] : [{ $sample: { size: sampleSize } }];
  let copied = 0;
  let batch: Document[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await to.collection(name).insertMany(batch, { ordered: false });
    copied += batch.length;
    batch = [];
  };
  // As BSON types, not as JavaScript's nearest: a number must not come out as another type than it went in.
  for await (const document of from.collection(name).aggregate(pipeline, { promoteValues: false })) {
    batch.push(document);
    if (batch.length === BATCH) await flush();
  }
  await flush();
  return copied;
}

async function copyIndexes(from: Db, to: Db, name: string): Promise<void> {
  const indexes = await from.collection(name).indexes();
  for (const { key, v: _version, ...options } of indexes)
    if (options.name !== '_id_') await to.collection(name).createIndex(key, options);
}
