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

/**
 * Takes an empty database, and marks it as one that is not whole: no service starts on it and no migration runs there
 * until `declareWhole`. What an earlier restore left that came to no end is removed.
 * @throws {BackupError} when it holds anything else
 */
export async function takeEmpty(db: Db): Promise<void> {
  const isOurs = (await locksOf(db).findOne({ _id: UNFINISHED_RESTORE })) !== null;
  const names = (await db.listCollections({}, { nameOnly: true }).toArray())
    .map(({ name }) => name)
    .filter((name) => name !== LOCKS && !name.startsWith('system.'));
  if (!isOurs)
    for (const name of names)
      if ((await db.collection(name).findOne({}, { projection: { _id: 1 } })) !== null)
        throw new BackupError(
          `The database ${db.databaseName} is not empty: it has documents in ${name}. Restore into another one (--into), or drop it first.`,
        );
  // Before anything else is done: whatever happens from here on leaves it marked.
  const startedAt = new Date();
  await locksOf(db).updateOne({ _id: UNFINISHED_RESTORE }, { $set: { startedAt } }, { upsert: true });
  for (const name of names) await db.collection(name).drop();
}

/** From here on it is a database like any other. Whatever was written before is safe when this is. */
export async function declareWhole(db: Db): Promise<void> {
  await locksOf(db).deleteOne({ _id: UNFINISHED_RESTORE });
}
