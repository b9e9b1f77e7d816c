import type { MongoClient } from 'mongodb';
import { appliedMigrations, migrateUp, shippedMigrations } from '../migrations.ts';
import { withScratchDatabase } from '../rehearsal/scratch.ts';
import { differences } from './compare.ts';
import { unknownFields } from './documents.ts';
import { expectedShape, readShape } from './shape.ts';

export interface SchemaReport {
  /** Between the models and what the migrations make of an empty database. */
  readonly migrations: readonly string[];
  /** Between the models and the live database. */
  readonly database: readonly string[];
}

/**
 * Compares models, migrations and the database. What the migrations make is found out, not read off them: they run in
 * a scratch database on the same server, which is dropped afterwards.
 */
export async function checkSchema(
  client: MongoClient,
  databaseName: string,
  sampleSize: number,
): Promise<SchemaReport> {
  const expected = expectedShape();
  const made = await withScratchDatabase(client, databaseName, 'schema_check', async (scratch) => {
    await migrateUp(client, scratch, () => {});
    return readShape(scratch);
  });
  const db = client.db(databaseName);
  const [shipped, applied] = [await shippedMigrations(), await appliedMigrations(db)];
  return {
    migrations: differences(expected, made),
    database: [
      ...shipped.filter((file) => !applied.includes(file)).map((file) => `migration ${file} is not applied`),
      ...applied
        .filter((file) => !shipped.includes(file))
        .map((file) => `migration ${file} is applied, but not shipped`),
      ...differences(expected, await readShape(db)),
      ...(await unknownFields(db, sampleSize)),
    ],
  };
}
