import { ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { commandShape } from '../../src/lib/command-shape.ts';

const id = new ObjectId();

describe('the shape of a command', () => {
  it('has types where the command has values', () => {
    expect(
      commandShape({
        find: 'users',
        filter: { email: 'a@example.com', _id: { $gt: id }, at: new Date(), n: 1, b: true, no: null, re: /x/ },
        sort: { createdAt: -1, _id: 1 },
        limit: 21,
        $db: 'roster',
        lsid: { id: 'x' },
      }),
    ).toEqual({
      filter: {
        email: 'string',
        _id: { $gt: 'ObjectId' },
        at: 'Date',
        n: 'number',
        b: 'boolean',
        no: 'null',
        re: 'RegExp',
      },
      sort: { createdAt: -1, _id: 1 },
      limit: 21,
    });
  });

  it('is the same for one value as for many of a kind', () => {
    const shape = (values: unknown[]) => commandShape({ filter: { _id: { $in: values } } });
    expect(shape([id])).toEqual({ filter: { _id: { $in: ['ObjectId'] } } });
    expect(shape([id, new ObjectId(), 'x'])).toEqual({ filter: { _id: { $in: ['ObjectId', 'string'] } } });
  });

  it('names the fields that an update writes, and nothing of what it writes', () => {
    const updates = [
      { q: { _id: id }, u: { $set: { metadata: { 'private words': 1 }, status: 'active' }, name: 'x' } },
    ];
    expect(commandShape({ update: 'users', updates })).toEqual({
      updates: [{ q: { _id: 'ObjectId' }, u: { $set: ['metadata', 'status'], name: 'string' } }],
    });
  });

  it('shows the stages of a pipeline', () => {
    const pipeline = [{ $match: { status: 'active' } }, { $sort: { _id: 1 } }, { $limit: 5 }];
    expect(commandShape({ aggregate: 'users', pipeline })).toEqual({
      pipeline: [{ $match: { status: 'string' } }, { $sort: { _id: 1 } }, { $limit: 5 }],
    });
  });

  it.each([
    [
      'a filter on a field called like a part',
      { filter: { sort: 'canary', limit: 'canary', u: { $set: { x: 'canary' } } } },
    ],
    ['an insert', { insert: 'users', documents: [{ canary: 'canary' }] }],
    ['deep values', { filter: { a: { b: { c: { d: { e: { f: { canary: 'canary' } } } } } } } }],
    ['a regular expression', { filter: { name: { $regex: 'canary' } } }],
    ['a delete', { deletes: [{ q: { email: 'canary' }, limit: 1 }] }],
  ])('holds no value of %s', (_name, command) => {
    expect(JSON.stringify(commandShape(command))).not.toContain('canary');
  });
});
