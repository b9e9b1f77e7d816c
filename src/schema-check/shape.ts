import { type Db, type MongoClient, MongoServerError } from 'mongodb';
import { type IndexDefinition, indexDefinition } from '../collections/define.ts';
import { collections } from '../collections/index.ts';
import type { ValidatorSchema } from '../collections/validator.ts';
import { MIGRATIONS_DIRECTORY, migrateUp } from '../migrations.ts';
import { withScratchDatabase } from '../rehearsal/scratch.ts';

/** What a database enforces about a collection. */
export interface CollectionShape {
  readonly indexes: readonly IndexDefinition[];
  /** Undefined when there is none or when it is not enforced. */
  readonly validator: ValidatorSchema | undefined;
}

export type Shape = ReadonlyMap<string, CollectionShape>;

/** migrate-mongo's, which no model describes. */
const OTHERS = new Set(['changelog', 'changelog_lock']);
const NAMESPACE_NOT_FOUND = 26;

/** As the models want it. */
export function expectedShape(): Shape {
  return new Map(
    collections.map(({ name, indexDefinitions, validator }) => [name, { indexes: indexDefinitions, validator }]),
  );
}

/**
 * As the migrations make it. That is found out, not read off them: they run in a scratch database on the same server,
 * which is dropped afterwards. A collection without any rule is left out: it is what a retired one leaves, where a
 * migration had put documents into it.
 */
export async function shapeOfMigrations(
  client: MongoClient,
  databaseName: string,
  directory = MIGRATIONS_DIRECTORY,
): Promise<Shape> {
  const made = await withScratchDatabase(client, databaseName, 'schema_check', async (scratch) => {
    await migrateUp(client, scratch, () => {}, directory);
    return readShape(scratch);
  });
  return new Map([...made].filter(([, { indexes, validator }]) => indexes.length > 0 || validator !== undefined));
}

/** As it is. The index on `_id` is left out: it cannot be otherwise. */
export async function readShape(db: Db): Promise<Shape> {
  const found = await db.listCollections({ type: 'collection' }).toArray();
  const described = found
    .filter(({ name }) => !OTHERS.has(name) && !name.startsWith('system.'))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'))
    .map(async (info): Promise<[string, CollectionShape]> => {
      const options = 'options' in info ? info.options : undefined;
      const enforced = options?.['validationLevel'] !== 'off' && options?.['validationAction'] !== 'warn';
      return [
        info.name,
        {
          indexes: await readIndexes(db, info.name),
          validator: enforced ? (options?.['validator']?.['$jsonSchema'] as ValidatorSchema | undefined) : undefined,
        },
      ];
    });
  return new Map(await Promise.all(described));
}

async function readIndexes(db: Db, collection: string): Promise<IndexDefinition[]> {
  try {
    const indexes = await db.collection(collection).indexes();
    return indexes.filter(({ name }) => name !== '_id_').map((index) => indexDefinition({ ...index }));
  } catch (error) {
    // Dropped since it was listed.
    if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
    throw error;
  }
}
