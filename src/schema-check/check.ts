import type { Db, MongoClient } from 'mongodb';
import { appliedMigrations, migrateUp, shippedMigrations } from '../migrations.ts';
import { withScratchDatabase } from '../rehearsal/scratch.ts';
import { differences } from './compare.ts';
import { unknownFields } from './documents.ts';
import { expectedShape, readShape } from './shape.ts';

/**
 * Where the models and the migrations disagree, one readable line each. What the migrations make is found out, not read
 * off them: they run in a scratch database on the same server, which is dropped afterwards.
 */
export async function checkMigrations(client: MongoClient, databaseName: string): Promise<string[]> {
  const made = await withScratchDatabase(client, databaseName, 'schema_check', async (scratch) => {
    await migrateUp(client, scratch, () => {});
    return readShape(scratch);
  });
  return differences(expectedShape(), made);
}

/**
 * Where the models and a live database disagree, one readable line each; the database is only read.
 * @param sampleSize documents of each collection that are looked at for unknown fields
 */
export async function checkDatabase(db: Db, sampleSize: number): Promise<string[]> {
  const [shipped, applied] = [await shippedMigrations(), await appliedMigrations(db)];
  return [
    ...shipped.filter((file) => !applied.includes(file)).map((file) => `migration ${file} is not applied`),
    ...applied.filter((file) => !shipped.includes(file)).map((file) => `migration ${file} is applied, but not shipped`),
    ...differences(expectedShape(), await readShape(db)),
    ...(await unknownFields(db, sampleSize)),
  ];
}
