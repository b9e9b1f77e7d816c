import type { Db } from 'mongodb';
import { BackupError } from '../backup/errors.ts';
import { UNFINISHED_RESTORE } from '../migration-lock.ts';

/** Holds the lock of the migrations, which is nobody's data. */
const LOCKS = 'changelog_lock';

interface Marker {
  _id: typeof UNFINISHED_RESTORE;
  startedAt: Date;
}

const locksOf = (db: Db) => db.collection<Marker>(LOCKS, { writeConcern: { w: 'majority', journal: true } });

/** @throws {BackupError} when it holds anything that no unfinished restore has left */
export async function refuseFull(db: Db): Promise<void> {
  if ((await locksOf(db).findOne({ _id: UNFINISHED_RESTORE })) !== null) return;
  for (const name of await collectionsOf(db))
    if ((await db.collection(name).findOne({}, { projection: { _id: 1 } })) !== null)
      throw new BackupError(
        `The database ${db.databaseName} is not empty: it has documents in ${name}. Restore into another one (--into), or drop it first.`,
      );
}

const collectionsOf = async (db: Db): Promise<string[]> =>
  (await db.listCollections({}, { nameOnly: true }).toArray())
    .map(({ name }) => name)
    .filter((name) => name !== LOCKS && !name.startsWith('system.'));

/**
 * Takes an empty database, and marks it as one that is not whole: no service starts on it and no migration runs there
 * until `declareWhole`. What an earlier restore left that came to no end is removed.
 * @throws {BackupError} when it holds anything else
 */
export async function takeEmpty(db: Db): Promise<void> {
  await refuseFull(db);
  // Before anything else is done: whatever happens from here on leaves it marked.
  const startedAt = new Date();
  await locksOf(db).updateOne({ _id: UNFINISHED_RESTORE }, { $set: { startedAt } }, { upsert: true });
  for (const name of await collectionsOf(db)) await db.collection(name).drop();
}

/** From here on it is a database like any other. Whatever was written before is safe when this is. */
export async function declareWhole(db: Db): Promise<void> {
  await locksOf(db).deleteOne({ _id: UNFINISHED_RESTORE });
}
