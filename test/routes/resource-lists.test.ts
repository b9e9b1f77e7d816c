import fc from 'fast-check';
import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/lib/cursor.ts';
import { toId } from '../../src/models/ids.ts';
import { buildCatalogueApp, chore, made } from '../helpers/catalogue.ts';
import { commandsOf, withCommands } from '../helpers/commands.ts';
import { newDocument } from '../helpers/domain-models.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';
import { newTeam } from '../helpers/teams.ts';

interface Item {
  readonly id: string;
  readonly title: string;
  readonly weight: number;
}

let service: Awaited<ReturnType<typeof buildCatalogueApp>>;
let ada: Person;
let team: string;
let seeds: Item[];
beforeAll(async () => {
  service = await buildCatalogueApp();
  ada = await person(service);
  ({ id: team } = await newTeam(ada));
  const rows = [
    { level: 'low', done: false, cost: '1.50', dueAt: '2026-01-01T00:00:00.000Z', weight: 2 },
    { level: 'high', done: false, cost: '1.5', dueAt: '2026-02-01T00:00:00.000Z', weight: 1 },
    { level: 'high', done: true, cost: '20', dueAt: '2026-03-01T00:00:00.000Z', weight: 1.5 },
  ];
  seeds = [];
  for (const row of rows)
    seeds.push((await made(ada, '/chores', chore(team, { ...row, parentId: seeds[0]?.id }))) as never);
});
afterAll(() => service.close());

const list = (query: string, groupId = team) => ada.call('GET', `/v1/chores?groupId=${groupId}${query}`);

/** The places among the seeds of what a list shows. */
const placesIn = async (query: string) => {
  const response = await list(query);
  expect(response.statusCode, response.body).toBe(200);
  return response.json().items.map(({ id }: Item) => seeds.findIndex((seed) => seed.id === id));
};

/** All pages of a list. */
async function allOf(query: string, groupId: string): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor = ''; ; ) {
    const page = (await list(`${query}${cursor}`, groupId)).json();
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

describe('filters', () => {
  it.each([
    ['', [2, 1, 0]],
    ['&level=high', [2, 1]],
    ['&done=true', [2]],
    ['&done=false&level=high', [1]],
    ['&level=high&done=false', [1]],
    ['&cost=1.500', undefined],
    ['&cost=1.50', [1, 0]],
    ['&dueAfter=2026-01-01T00:00:00.000Z', [2, 1]],
    ['&dueAfter=2026-01-01T00:00:00.000Z&dueBefore=2026-03-01T00:00:00Z', [1]],
    ['&dueAfter=2025-12-31T23:00:00-02:00&sort=dueAt', [1, 2]],
    ['&sort=weight', [1, 2, 0]],
    ['&sort=-weight', [0, 2, 1]],
    ['&sort=id', [0, 1, 2]],
  ])('%s', async (query, expected) => {
    if (expected) expect(await placesIn(query)).toEqual(expected);
    else expect(outcome(await list(query))).toBe('400 validation-failed');
  });

  it('by a reference', async () => {
    expect(await placesIn(`&parentId=${seeds[0]?.id}`)).toEqual([2, 1]);
    expect(outcome(await list('&parentId=x'))).toBe('400 validation-failed');
  });

  it.each(['&level=low&cost=1', '&level=low&sort=weight', '&dueAfter=2026-01-01T00:00:00Z&sort=weight'])(
    'that no index serves are refused with what is offered: %s',
    async (query) => {
      const answer = await list(query);
      expect(outcome(answer)).toBe('400 unsupported-sort');
      expect(answer.json().detail).toMatch(/sort by (id|dueAt)|filters go by level, or done|by cost, or /);
    },
  );

  it.each([
    ['level=none', '?level'],
    ['level=low&level=high', '?level'],
    ['level[$ne]=low', '?level[$ne]'],
    ['done=1', '?done'],
    ['cost=%7B%22$gt%22:0%7D', '?cost'],
    ['cost=NaN', '?cost'],
    ['weight=1', '?weight'],
    ['estimate=1', '?estimate'],
    ['sort=estimate', '?sort'],
    ['dueAfter=tomorrow', '?dueAfter'],
    // Of the format, and no such times.
    ['dueAfter=2016-12-31T23:59:60Z', '?dueAfter'],
    ['dueBefore=2026-01-01T00:00:00%2B0145x', '?dueBefore'],
  ])('%s is refused at its place', async (query, pointer) => {
    const answer = await list(`&${query}`);
    expect(outcome(answer)).toBe('400 validation-failed');
    expect(answer.json().errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer);
  });
});

describe('a total', () => {
  it('counts what matches, where it is asked for', async () => {
    expect((await list('&level=high&total=true&limit=1')).json()).toMatchObject({ total: 2, totalCapped: false });
    expect((await list('')).json()).not.toHaveProperty('total');
    expect((await list('&deleted=true&total=true')).json()).toMatchObject({ total: 0 });
  });
});

describe('a cursor', () => {
  const first = async (query: string) => (await list(`${query}&limit=1`)).json().nextCursor as string;
  const follow = async (query: string, cursor: string) => outcome(await list(`${query}&cursor=${cursor}`));

  it('goes with its own list alone, in whatever order its parameters stand', async () => {
    expect(await first('&level=high&done=false')).toBeNull();
    const sorted = await first('&sort=weight');
    expect(await follow('&sort=weight', sorted)).toBe('200');
    for (const query of ['', '&sort=-weight', '&sort=dueAt', '&level=high'])
      expect(await follow(query, sorted), query).toBe('400 invalid-cursor');
    const [after, before] = ['&dueAfter=2025-01-01T00:00:00Z', '&dueBefore=2027-01-01T00:00:00Z'];
    expect(await follow(before + after, await first(after + before))).toBe('200');
  });

  it.each([
    ['weight', 'heavy'],
    ['weight', new Date(0)],
    ['dueAt', 'never'],
    ['dueAt', '{"$gt":""}'],
  ])('that is forged for %s with a key of another type is refused, or only moves the start', async (sort, key) => {
    const said = [
      ['groupId', team],
      ['sort', sort],
    ];
    const cursor = encodeCursor({ key, id: 'f'.repeat(24) }, `own:chores:${JSON.stringify(said)}`);
    const answer = await list(`&sort=${sort}&cursor=${cursor}`);
    expect(['400 invalid-cursor', '200']).toContain(outcome(answer));
    expect(answer.statusCode).toBe(key instanceof Date && sort === 'weight' ? 200 : 400);
  });

  it('holds the longest of texts', async () => {
    const { id } = await newTeam(ada);
    for (const word of ['a', 'b']) await made(ada, '/chores', chore(id, { title: `${word}${'\u0001'.repeat(79)}` }));
    expect((await allOf('&sort=title&limit=1', id)).map(({ title }) => title[0])).toEqual(['a', 'b']);
  });
});

it('pages lose and repeat nothing, however many keys are equal', async () => {
  const { id: groupId } = await newTeam(ada);
  const collection = mongoose.connection.collection('chores');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom('weight', '-weight', 'dueAt', '-dueAt'),
      async (keys, limit, sort) => {
        await collection.deleteMany({ groupId: toId(groupId) });
        const documents = keys.map((key, n) =>
          newDocument({
            ...chore(groupId, { title: String(n) }),
            groupId: toId(groupId),
            weight: key,
            dueAt: new Date(key),
          }),
        );
        if (documents.length > 0) await collection.insertMany(documents);
        const found = await allOf(`&sort=${sort}&limit=${limit}`, groupId);
        const way = sort.startsWith('-') ? -1 : 1;
        const expected = documents
          .map(({ _id, weight }) => ({ id: String(_id), weight: Number(weight) }))
          .sort((a, b) => way * (a.weight - b.weight || (a.id < b.id ? -1 : 1)));
        expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
      },
    ),
    { numRuns: 15 },
  );
});

it('a page costs one query besides who calls and which teams', async () => {
  expect(await commandsOf(() => list('&sort=weight&limit=1'))).toEqual([
    'find sessions',
    'find memberships',
    // Whether the estimate is shown.
    'find memberships',
    'find chores',
  ]);
});

it('somebody in many teams reads one document of one of them as somebody in one does', async () => {
  const all = mongoose.connection.collection('memberships');
  const membership = () => newDocument({ userId: toId(ada.id), teamId: new mongoose.Types.ObjectId(), role: 'owner' });
  await all.insertMany(Array.from({ length: 200 }, membership));
  const { result, sent } = await withCommands(() => ada.call('GET', `/v1/chores/${seeds[0]?.id}`));
  expect(result.statusCode).toBe(200);
  const asked = sent.filter(({ name }) => name === 'find memberships').map(({ command }) => command['filter'].teamId);
  expect(asked.map(String)).toEqual([team, team]);
});

it('the OpenAPI document declares all that was answered here', () => {
  expect(service.undeclared()).toEqual([]);
});
