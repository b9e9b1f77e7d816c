import mongoose from 'mongoose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { until } from '../helpers/until.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const commands: string[] = [];
const listener = ({ commandName }: { commandName: string }) => void commands.push(commandName);
beforeAll(() => void mongoose.connection.getClient().on('commandStarted', listener));
afterEach(() => void commands.splice(0));

const changelog = () => mongoose.connection.collection<{ fileName: string }>('changelog');
const ready = async (on: TestApp) => {
  const response = await on.app.inject('/readyz');
  return [response.statusCode, response.json().status];
};

describe('/healthz', () => {
  it('answers without a look at the database', async () => {
    const response = await service.app.inject('/healthz');
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'alive' }]);
    expect(commands).toEqual([]);
  });
});

describe('/readyz', () => {
  it('says yes when the database answers and every migration of this build is applied', async () => {
    expect(await ready(await service.another())).toEqual([200, 'ready']);
  });

  it('does not mind a migration of a newer build: a rolling upgrade loses no instance', async () => {
    await changelog().insertOne({ fileName: '999_from_the_future.js' });
    expect(await ready(await service.another())).toEqual([200, 'ready']);
    await changelog().deleteOne({ fileName: '999_from_the_future.js' });
  });

  it('says no while a migration of this build is pending', async () => {
    const newest = await changelog().findOneAndDelete({}, { sort: { fileName: -1 } });
    const fresh = await service.another();
    const response = await fresh.app.inject('/readyz');
    expect([response.statusCode, response.json(), response.headers['retry-after']]).toEqual([
      503,
      { status: 'migrations-pending' },
      '5',
    ]);
    if (newest) await changelog().insertOne(newest);
    expect(await ready(await service.another())).toEqual([200, 'ready']);
  });

  it('asks the database once, however many ask at once', async () => {
    const fresh = await service.another();
    commands.splice(0);
    await Promise.all(Array.from({ length: 50 }, () => ready(fresh)));
    // Whether it answers, whether a restore of it was broken off, and which migrations are applied.
    expect(commands).toEqual(['ping', 'find', 'distinct']);
  });

  it('costs one ping once the migrations are known to be applied', async () => {
    const fresh = await service.another();
    await ready(fresh);
    commands.splice(0);
    await until('the answer has grown old', async () => (await ready(fresh)) && commands.length > 0);
    expect(commands).toEqual(['ping']);
  });
});
