import type { Collection, Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundsByField } from '../src/explain/index-bounds.ts';
import { startServer, type TestServer } from './helpers/server.ts';

describe('boundsByField', () => {
  it('takes the ranges of a compound index apart', () => {
    const bounds = ['["status": ["a, \\"n\\"", "b"], "n": DESC(MinKey, 5]]'];
    expect(boundsByField(['status', 'n'], bounds)).toEqual({ status: ['["a, \\"n\\"", "b"]'], n: ['(MinKey, 5]'] });
  });

  it('lists each range of a field once', () => {
    const bounds = ['["a": [1, 1], "b": [2, 2]]', '["a": [3, 3], "b": [2, 2]]'];
    expect(boundsByField(['a', 'b'], bounds)).toEqual({ a: ['[1, 1]', '[3, 3]'], b: ['[2, 2]'] });
  });

  it('says nothing where the engine said nothing', () => {
    expect(boundsByField(['a'], undefined)).toBeUndefined();
  });
});

describe('explain', () => {
  let server: TestServer;
  let people: Collection<{ _id: number }>;

  beforeAll(async () => {
    server = await startServer();
    people = (await server.client()).db('explain').collection('people');
    const documents = Array.from({ length: 3000 }, (_, n) => ({ _id: n, email: `${n}@x.example`, team: n % 10, n }));
    await people.insertMany(documents);
    await people.createIndex({ email: 1 }, { unique: true });
    await people.createIndex({ team: 1, n: 1 });
  });
  afterAll(async () => {
    await server?.close();
  });

  /** Names of the stages from the top down, inputs of a stage in brackets. */
  const shape = (stage: Document): string => {
    const inputs: Document[] = stage['inputStages'] ?? (stage['inputStage'] ? [stage['inputStage']] : []);
    const below = inputs.map(shape).join(', ');
    const name = stage['stage'] === 'IXSCAN' ? `IXSCAN ${stage['indexName']}` : stage['stage'];
    return below === '' ? name : `${name} < ${inputs.length > 1 ? `[${below}]` : below}`;
  };
  const planned = (explained: Document): string => shape(explained['queryPlanner']['winningPlan']);
  const explain = async (command: Document): Promise<string> => {
    const db = (await server.client()).db('explain');
    return planned(await db.command({ explain: command, verbosity: 'queryPlanner' }));
  };

  it.each<[string, string, Document]>([
    ['a unique key', 'FETCH < IXSCAN email_1', { filter: { email: '7@x.example' } }],
    ['a compound key', 'FETCH < IXSCAN team_1_n_1', { filter: { team: 3, n: { $gt: 5 } } }],
    ['an _id', 'FETCH < IXSCAN _id_', { filter: { _id: 5 } }],
    ['a set of _ids', 'FETCH < IXSCAN _id_', { filter: { _id: { $in: [1, 2] } } }],
    ['a page after an _id', 'LIMIT < FETCH < IXSCAN _id_', { filter: { _id: { $gt: 5 } }, sort: { _id: 1 }, limit: 5 }],
    ['everything', 'COLLSCAN', { filter: {} }],
    ['an unindexed field', 'COLLSCAN', { filter: { nickname: 'x' } }],
    ['any few documents', 'LIMIT < COLLSCAN', { filter: {}, limit: 5 }],
    ['the first in order of _id', 'LIMIT < FETCH < IXSCAN _id_', { filter: {}, sort: { _id: 1 }, limit: 101 }],
    ['the last in order of _id', 'LIMIT < FETCH < IXSCAN _id_', { filter: {}, sort: { _id: -1 }, limit: 21 }],
    [
      'a filter on the way along _id',
      'LIMIT < FETCH < IXSCAN _id_',
      { filter: { nickname: 'x' }, sort: { _id: 1 }, limit: 5 },
    ],
    ['a walk that a hint asks for', 'FETCH < IXSCAN _id_', { filter: {}, sort: { _id: 1 }, hint: { _id: 1 } }],
    ['a hint without an order', 'COLLSCAN', { filter: {}, hint: { _id: 1 } }],
    ['an unindexed order', 'LIMIT < SORT < COLLSCAN', { filter: {}, sort: { nickname: 1 }, limit: 5 }],
    ['an index and another order', 'SORT < FETCH < IXSCAN team_1_n_1', { filter: { team: 1 }, sort: { _id: 1 } }],
    [
      'alternatives',
      'FETCH < OR < [IXSCAN email_1, IXSCAN team_1_n_1]',
      { filter: { $or: [{ email: '1@x.example' }, { team: 2 }] } },
    ],
  ])('find: %s', async (_what, expected, query) => {
    expect(await explain({ find: 'people', ...query })).toBe(expected);
  });

  it('find: a collection that does not exist', async () => {
    expect(await explain({ find: 'nobody', filter: { a: 1 } })).toBe('EOF');
  });

  it.each<[string, string, Document]>([
    ['count by index', 'COUNT < FETCH < IXSCAN team_1_n_1', { count: 'people', query: { team: 1 } }],
    ['count of all', 'RECORD_STORE_FAST_COUNT', { count: 'people', query: {} }],
    [
      'update',
      'UPDATE < FETCH < IXSCAN email_1',
      { update: 'people', updates: [{ q: { email: '1@x.example' }, u: { $set: { a: 1 } } }] },
    ],
    [
      'update of many',
      'UPDATE < COLLSCAN',
      { update: 'people', updates: [{ q: {}, u: { $set: { a: 1 } }, multi: true }] },
    ],
    ['delete', 'DELETE < FETCH < IXSCAN _id_', { delete: 'people', deletes: [{ q: { _id: 1 }, limit: 1 }] }],
    [
      'findAndModify',
      'UPDATE < FETCH < IXSCAN email_1',
      { findAndModify: 'people', query: { email: '1@x.example' }, update: { $set: { a: 1 } } },
    ],
    ['removal', 'DELETE < FETCH < IXSCAN _id_', { findAndModify: 'people', query: { _id: 1 }, remove: true }],
    [
      'aggregate: group',
      'GROUP < FETCH < IXSCAN team_1_n_1',
      { aggregate: 'people', pipeline: [{ $match: { team: 1 } }, { $group: { _id: '$n' } }], cursor: {} },
    ],
    [
      'aggregate: page',
      'LIMIT < FETCH < IXSCAN _id_',
      { aggregate: 'people', pipeline: [{ $match: {} }, { $sort: { _id: -1 } }, { $limit: 5 }], cursor: {} },
    ],
    [
      'aggregate: count of all',
      'GROUP < COLLSCAN',
      { aggregate: 'people', pipeline: [{ $match: {} }, { $group: { _id: 1, n: { $sum: 1 } } }], cursor: {} },
    ],
    ['distinct', 'GROUP < COLLSCAN', { distinct: 'people', key: 'nickname', query: {} }],
  ])('%s', async (_what, expected, command) => {
    expect(await explain(command)).toBe(expected);
  });

  it('changes nothing, whatever is explained', async () => {
    const db = (await server.client()).db('explain');
    const before = await people.find({ _id: { $lt: 3 } }).toArray();
    const update = { update: 'people', updates: [{ q: { _id: 1 }, u: { $set: { changed: true } } }] };
    await db.command({ explain: update, verbosity: 'executionStats' });
    await db.command({
      explain: { delete: 'people', deletes: [{ q: { _id: 2 }, limit: 1 }] },
      verbosity: 'executionStats',
    });
    expect(await people.find({ _id: { $lt: 3 } }).toArray()).toEqual(before);
  });

  it('counts what was examined', async () => {
    const byIndex = await people.find({ team: 4 }).explain('executionStats');
    expect(byIndex['executionStats']).toMatchObject({
      executionSuccess: true,
      nReturned: 300,
      totalKeysExamined: 300,
      totalDocsExamined: 300,
      executionStages: { stage: 'FETCH', nReturned: 300, inputStage: { stage: 'IXSCAN', keysExamined: 300 } },
    });
    const whole = await people.find({ nickname: 'x' }).explain('executionStats');
    expect(whole['executionStats']).toMatchObject({ nReturned: 0, totalKeysExamined: 0, totalDocsExamined: 3000 });
    const page = await people
      .find({ n: { $gte: 10 } })
      .sort({ _id: 1 })
      .limit(5)
      .explain('executionStats');
    expect(page['executionStats']).toMatchObject({ nReturned: 5, totalKeysExamined: 15, totalDocsExamined: 15 });
  });

  it('describes the index, its bounds and the server', async () => {
    const explained = await people.find({ team: 4, n: { $gt: 5 } }).explain('queryPlanner');
    expect(explained['executionStats']).toBeUndefined();
    expect(explained['queryPlanner']).toMatchObject({
      namespace: 'explain.people',
      parsedQuery: { team: 4, n: { $gt: 5 } },
      winningPlan: {
        inputStage: {
          keyPattern: { team: 1, n: 1 },
          isMultiKey: false,
          direction: 'forward',
          indexBounds: { team: ['[4, 4]'], n: ['(5, Infinity]'] },
        },
      },
      rejectedPlans: [],
    });
    expect(explained['serverInfo']).toMatchObject({ port: server.port, gitVersion: 'mongod-documentdb' });
  });

  it('takes the order of _id on a collection that the planner knows nothing of yet', async () => {
    const db = (await server.client()).db('explain');
    for (const size of [0, 1, 100]) {
      const fresh = await db.createCollection<{ _id: number }>(`fresh${size}`);
      if (size > 0) await fresh.insertMany(Array.from({ length: size }, (_, _id) => ({ _id })));
      expect(planned(await fresh.find().sort({ _id: -1 }).limit(21).explain('queryPlanner'))).toBe(
        'LIMIT < FETCH < IXSCAN _id_',
      );
    }
  });

  it('refuses what it cannot explain', async () => {
    const db = (await server.client()).db('explain');
    await expect(db.command({ explain: { frobnicate: 1 } })).rejects.toMatchObject({ code: 59 });
    await expect(db.command({ explain: { find: 'people' }, verbosity: 'loudly' })).rejects.toMatchObject({ code: 2 });
  });
});
