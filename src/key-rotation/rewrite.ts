import { type Connection, mongo } from 'mongoose';
import type { FieldContext } from '../lib/keyring.ts';

/** A value that stays as it is because the database does not take another one in its document. */
export interface RefusedWrite {
  readonly place: FieldContext;
  readonly code: number | string | undefined;
}

export interface Rewriting {
  readonly rewritten: number;
  readonly refused: readonly RefusedWrite[];
}

/** A change that is made only to what was read. */
export interface Update {
  readonly place: FieldContext;
  readonly operation: { readonly updateOne: { readonly filter: object; readonly update: object } };
}

type Writable = ReturnType<Connection['collection']>;

/**
 * Makes changes of which each stands alone: what the database refuses holds up no other. A batch of what is journaled is
 * one transaction, in which it would, so then they are made one by one.
 */
export async function write(collection: Writable, updates: readonly Update[]): Promise<Rewriting> {
  try {
    const operations = updates.map(({ operation }) => operation);
    const { modifiedCount } = await collection.bulkWrite(operations, { ordered: false });
    return { rewritten: modifiedCount, refused: [] };
  } catch (error) {
    if (!(error instanceof mongo.MongoBulkWriteError) || [error.writeErrors].flat().length === 0) throw error;
    return writeSingly(collection, updates);
  }
}

async function writeSingly(collection: Writable, updates: readonly Update[]): Promise<Rewriting> {
  const refused: RefusedWrite[] = [];
  let rewritten = 0;
  for (const { place, operation } of updates) {
    const { filter, update } = operation.updateOne;
    try {
      rewritten += (await collection.updateOne(filter, update)).modifiedCount;
    } catch (error) {
      if (!(error instanceof mongo.MongoServerError)) throw error;
      refused.push({ place, code: error.code });
    }
  }
  return { rewritten, refused };
}
