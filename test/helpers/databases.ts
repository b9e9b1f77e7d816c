import { randomBytes } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, inject } from 'vitest';

/** The connection string of a database of that name on the server of this run. */
export function uriOf(databaseName: string): string {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/${databaseName}`;
  return uri.href;
}

export const freshName = (): string => `test_${randomBytes(6).toString('hex')}`;

export interface Databases {
  readonly client: MongoClient;
  /** A database of a new name, dropped after the file's tests. */
  fresh(): Db;
}

/** A client for the tests of a file, and as many empty databases as they ask for. */
export function databases(): Databases {
  const client = new MongoClient(inject('mongodbUri'), { writeConcern: { w: 'majority', journal: true } });
  const made: Db[] = [];
  beforeAll(() => client.connect());
  afterAll(async () => {
    for (const db of made) await db.dropDatabase();
    await client.close();
  });
  return {
    client,
    fresh: () => {
      const db = client.db(freshName());
      made.push(db);
      return db;
    },
  };
}
