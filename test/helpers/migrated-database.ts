import mongoose from 'mongoose';
import { applyMigrations } from '../../src/migrations.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { expectedShape, readShape } from '../../src/schema-check/shape.ts';

/** Databases of this worker that are migrated and empty: to migrate one takes longer than many files do. */
const idle: string[] = [];

/** A migrated and empty database that nothing else uses: one that is left over, or that of the given URI, made anew. */
export async function migratedDatabase(fresh: () => string): Promise<string> {
  const left = idle.pop();
  if (left !== undefined) return left;
  const uri = fresh();
  await applyMigrations(uri, () => {});
  return uri;
}

/** Empties the database that mongoose is connected to for the next file; one that a test has changed the shape of goes. */
export async function leaveDatabase(uri: string): Promise<void> {
  const db = mongoose.connection.getClient().db(mongoose.connection.name);
  const changed = differences(expectedShape(), await readShape(db)).length > 0;
  if (changed) {
    await db.dropDatabase();
    return;
  }
  const collections = await db.listCollections({ type: 'collection' }).toArray();
  const emptied = collections.filter(({ name }) => name !== 'changelog' && !name.startsWith('system.'));
  await Promise.all(emptied.map(({ name }) => db.collection(name).deleteMany({})));
  // As its migration leaves it.
  await db.collection<{ _id: string; revision: number }>('guards').insertOne({ _id: 'admins', revision: 0 });
  idle.push(uri);
}
