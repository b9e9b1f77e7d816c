import type { TSchema } from 'typebox';
import { collections } from '../collections/index.ts';
import { configSchema } from '../config-schema.ts';
import { collectionSection } from './collection.ts';
import { interfaceOf } from './interfaces.ts';
import { code, paragraphs, table } from './markdown.ts';
import { migrationsTable } from './migrations.ts';
import { relationsSection } from './relations.ts';
import { DEVIATIONS, INDEXING, MIGRATING, STATUS_MACHINE, VALIDATION } from './schema-texts.ts';

/** `docs/SCHEMA.md`: the data model as models, migrations and wire schemas have it. The same sources, the same text. */
export async function schemaDocument(): Promise<string> {
  return `${paragraphs(
    '# Database schema',
    '<!-- Written by `bin/roster schema docs` from src/models, src/collections and migrations; changes here are overwritten. -->',
    '`bin/roster schema check` compares what is written here with the migrations and with a live database.',
    '## Configuration',
    configurationTable(),
    collectionsPart(),
    '## Relations',
    relationsSection(),
    '## Enums',
    table(
      ['Enum', 'Values'],
      collections.flatMap(({ enums }) =>
        Object.entries(enums).map(([name, values]) => [name, values.map(code).join(', ')]),
      ),
    ),
    '### Status of an account',
    STATUS_MACHINE,
    '## Application models',
    'What clients see. Times are UTC in ISO 8601, ids 24 hexadecimal characters.',
    ['```typescript', collections.flatMap(({ wire }) => wire.map(interfaceOf)).join('\n\n'), '```'].join('\n'),
    '## Validation',
    VALIDATION,
    'How secrets are kept, field by field, is told in [security](security.md).',
    '## Indexing',
    INDEXING,
    '## Retention',
    table(
      ['Collection', 'Documents are kept'],
      collections.map(({ name, retention }) => [code(name), retention]),
    ),
    '## Migrations',
    MIGRATING,
    await migrationsTable(),
    '## Deviations from the SQL schema',
    'The model began as a schema for SQL tables. Where the document store’s is different, and why:',
    table(['SQL schema', 'Here', 'Why'], DEVIATIONS),
  )}\n`;
}

function configurationTable(): string {
  const { default: poolSize } = configSchema.properties.MONGODB_MAX_POOL_SIZE as TSchema & { default?: number };
  return table(
    ['What', 'Value'],
    [
      ['Database', 'MongoDB, as a replica set (transactions need one)'],
      ['Version', '7 or 8; development and tests also run on DocumentDB (MongoDB-compatible, on PostgreSQL)'],
      ['Connection', '`MONGODB_URI`'],
      ['Connection pool', `\`MONGODB_MAX_POOL_SIZE\`, ${poolSize} connections for each instance by default`],
      ['Write concern', '`w: majority`, journaled, for every write'],
      ['Indexes', 'Made by migrations alone; the service does not start without the unique ones'],
    ],
  );
}

function collectionsPart(): string {
  return paragraphs(
    '## Collections',
    table(
      ['Collection', 'Holds'],
      collections.map(({ name, purpose }) => [`[${name}](#${name})`, purpose]),
    ),
    'A field that is not there is absent, never `null`. Every collection has the database’s own validator (`$jsonSchema`) with the types, limits and enums below; what a rule adds to them, the model sees to. Admins see what owners see.',
    ...collections.map(collectionSection),
    'Beside these, `changelog` (applied migrations, unique by `fileName`) and `changelog_lock` (the lease of whoever migrates) belong to the migrations.',
  );
}
