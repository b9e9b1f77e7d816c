import { BSON, type Document } from 'mongodb';
import mongoose from 'mongoose';
import { expect } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { Journal, type JournalEntry } from '../../src/models/journal.ts';

const JOURNALED = collections.filter(({ notJournaled }) => notJournaled === undefined).map(({ name }) => name);

/** Whatever wrote to the journaled collections: what is there is what the journal tells of, and nothing else. */
export async function expectJournalToAgree(): Promise<void> {
  const last = new Map<string, JournalEntry>();
  for (const entry of await Journal.find().lean<JournalEntry[]>()) {
    const key = `${entry.collection} ${entry.documentId}`;
    const known = last.get(key);
    if (!known || known.revision < entry.revision) last.set(key, entry);
  }
  const told = [...last].flatMap(([key, { collection, image }]): [string, string][] =>
    image && JOURNALED.includes(collection) && !isOver(image) ? [[key, BSON.EJSON.stringify(image)]] : [],
  );
  const there: [string, string][] = [];
  for (const name of JOURNALED)
    for (const document of (await mongoose.connection.db?.collection<Document>(name).find().toArray()) ?? [])
      if (!isOver(document)) there.push([`${name} ${document._id}`, BSON.EJSON.stringify(document)]);
  expect(there.length).toBeGreaterThan(0);
  expect(told.sort(byKey)).toEqual(there.sort(byKey));
}

/** The database removes it by itself, of which the journal tells nothing. */
const isOver = ({ expiresAt }: Document): boolean => expiresAt instanceof Date && expiresAt.getTime() <= Date.now();

const byKey = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);
