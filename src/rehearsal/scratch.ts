import { randomBytes } from 'node:crypto';
import type { Db, MongoClient } from 'mongodb';

/** MongoDB's limit is 63 bytes; 37 leave room for the rest. */
const NAME_BYTES = 37;

/** Gives `work` an empty database on the same server, and drops it afterwards, whatever happened. */
export async function withScratchDatabase<T>(
  client: MongoClient,
  databaseName: string,
  purpose: 'rehearsal' | 'schema_check' | 'explain',
  work: (scratch: Db) => Promise<T>,
): Promise<T> {
  const scratch = client.db(`${databaseName.slice(0, NAME_BYTES)}_${purpose}_${randomBytes(4).toString('hex')}`);
  try {
    return await work(scratch);
  } finally {
    await scratch.dropDatabase();
  }
}
