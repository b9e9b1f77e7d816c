import type { Db, MongoClient } from 'mongodb';
import { appliedMigrations, shippedMigrations } from '../migrations.ts';
import { differences } from './compare.ts';
import { unknownFields } from './documents.ts';
import { unlistedModels } from './models.ts';
import { expectedShape, readShape, shapeOfMigrations } from './shape.ts';

/**
 * Where the models and the migrations disagree, one readable line each; a model that is listed nowhere, and would be
 * compared with nothing, is a disagreement too.
 */
export async function checkMigrations(client: MongoClient, databaseName: string): Promise<string[]> {
  const unlisted = await unlistedModels();
  return [...unlisted, ...differences(expectedShape(), await shapeOfMigrations(client, databaseName))];
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
