import { MongoClient, MongoError, MongoServerError } from 'mongodb';
import mongoose, { model, Schema } from 'mongoose';
import { describe, expect, it } from 'vitest';
import '../src/database.ts';
import { isDatabaseOutOfReach } from '../src/database-errors.ts';

/** Port 9 (discard) is closed; nothing answers there. */
const NOWHERE = 'mongodb://127.0.0.1:9/?directConnection=true';
const caught = (work: () => unknown): Promise<unknown> =>
  new Promise((resolve) => resolve(work())).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the database is out of reach', () => {
  it('when no server can be selected', async () => {
    const client = new MongoClient(NOWHERE, { serverSelectionTimeoutMS: 50 });
    expect(isDatabaseOutOfReach(await caught(() => client.connect()))).toBe(true);
    await client.close();
  });

  it('when the client is closed', async () => {
    const client = new MongoClient(NOWHERE, { serverSelectionTimeoutMS: 50 });
    await client.close();
    expect(isDatabaseOutOfReach(await caught(() => client.db().command({ ping: 1 })))).toBe(true);
  });

  it('when mongoose has no connection', async () => {
    const Thing = model('UnconnectedThing', new Schema({ a: String }));
    expect(isDatabaseOutOfReach(await caught(() => Thing.findOne().lean().exec()))).toBe(true);
    expect(isDatabaseOutOfReach(await caught(() => Thing.collection.findOne({})))).toBe(true);
    // Files share their models, and one of them looks at all there are.
    mongoose.deleteModel('UnconnectedThing');
  });

  it.each([91, 189, 10107, 11600, 11602, 13435, 13436, 50, 262])('when a server answers %i', (code) => {
    expect(isDatabaseOutOfReach(new MongoServerError({ message: 'x', code }))).toBe(true);
  });

  it('when a conflict outlived its retries', () => {
    const error = new MongoServerError({
      message: 'WriteConflict',
      code: 112,
      errorLabels: ['TransientTransactionError'],
    });
    expect(isDatabaseOutOfReach(error)).toBe(true);
  });
});

describe('the database is in reach', () => {
  it.each([
    ['a duplicate key', new MongoServerError({ message: 'E11000', code: 11000 })],
    ['a failed validation', new MongoServerError({ message: 'x', code: 121 })],
    ['a mistake of ours', new MongoError('x')],
    ['an error of another kind', new Error('ECONNREFUSED')],
    ['a mongoose error', new mongoose.Error.ValidationError()],
    ['no error', undefined],
  ])('when it is about %s', (_name, error) => {
    expect(isDatabaseOutOfReach(error)).toBe(false);
  });
});
