import type { Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draftMigration } from '../../src/migration-draft/draft.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { readShape, type Shape } from '../../src/schema-check/shape.ts';
import { databases } from '../helpers/databases.ts';
import { BEFORE, defaultOf, draftOf, KINDS, PERSON, STOPS_ON_THE_WAY_BACK } from '../helpers/draft-kinds.ts';
import { Drafts, isKilledAfter, makeShape } from '../helpers/drafts.ts';

const { fresh } = databases();
let drafts: Drafts;
beforeAll(async () => {
  drafts = await Drafts.make();
});
afterAll(() => drafts.remove());

/** How a database differs from a shape. A retired collection that holds something stays, without rules. */
async function strayed(db: Db, wanted: Shape): Promise<string[]> {
  const found = [...(await readShape(db))];
  const kept = found.filter(([name, { validator, indexes }]) => wanted.has(name) || validator || indexes.length > 0);
  return differences(wanted, new Map(kept));
}

describe.each(Object.entries(KINDS))('a draft of %s', (kind, after) => {
  it('has steps that are safe to repeat, killed midway at any of them, there and back', async () => {
    const { up, down } = await drafts.write(draftOf(BEFORE, after).text);
    const db = fresh();
    await makeShape(db, BEFORE);
    for (let steps = 0, isDying = true; isDying; steps += 1) {
      isDying = await isKilledAfter(steps, db, up);
      await up(db);
      expect(await strayed(db, after)).toEqual([]);
      await isKilledAfter(steps, db, down);
      await down(db);
      expect(await strayed(db, BEFORE)).toEqual([]);
    }
  });

  it.each([
    ['there', BEFORE, after],
    ['back', after, BEFORE],
  ])('goes up, down and up, %s, and keeps documents', async (way, from, to) => {
    if (way === 'back' && STOPS_ON_THE_WAY_BACK.has(kind)) {
      expect(() => draftOf(from, to)).toThrow(/becomes required/);
      return;
    }
    const draft = draftOf(from, to);
    const { up, down } = await drafts.write(draft.text);
    const db = fresh();
    await makeShape(db, from);
    if (from === BEFORE) await db.collection('people').insertOne({ ...PERSON });
    const documents = await db.collection('people').countDocuments();
    for (const [change, wanted] of [
      [up, to],
      [down, from],
    ] as const) {
      await change(db);
      expect(await strayed(db, wanted)).toEqual([]);
    }
    await up(db);
    expect(await strayed(db, to)).toEqual([]);
    expect(await db.collection('people').countDocuments()).toBe(documents);
    expect(draftMigration(to, to, defaultOf)).toBeUndefined();
  });
});

it('all of them are written as the formatter and the linter want it', () => {
  expect(drafts.complaints()).toBe('');
});
