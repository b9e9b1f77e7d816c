import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchSlowCommands } from '../src/slow-commands.ts';
import { freshName, uriOf } from './helpers/databases.ts';
import { until } from './helpers/until.ts';

let client: MongoClient;
let lines: Record<string, unknown>[];
const log = { warn: (fields: Record<string, unknown>, message: string) => void lines.push({ ...fields, message }) };

beforeEach(async () => {
  lines = [];
  client = await new MongoClient(uriOf(freshName()), { monitorCommands: true }).connect();
});
afterEach(async () => {
  await client.db().dropDatabase();
  await client.close();
});

const things = () => client.db().collection('things');

describe('a slow command', () => {
  it('is logged by its shape and its plan, without any value', async () => {
    await things().insertOne({ email: 'canary@example.com' });
    const stop = watchSlowCommands(client, { thresholdMs: 0, log });
    await things().findOne({ email: 'canary@example.com' }, { sort: { _id: -1 } });
    await until('the command is logged', () => lines.length > 0);
    stop();
    expect(lines[0]).toEqual({
      namespace: `${client.db().databaseName}.things`,
      command: 'find',
      shape: { filter: { email: 'string' }, sort: { _id: -1 }, limit: 1 },
      ms: expect.any(Number),
      plan: expect.stringMatching(/SCAN/),
      message: 'slow command',
    });
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  it('is explained once, however many there are', async () => {
    const explained: string[] = [];
    client.on('commandStarted', ({ commandName }) => void (commandName === 'explain' && explained.push(commandName)));
    watchSlowCommands(client, { thresholdMs: 0, log });
    await Promise.all(Array.from({ length: 20 }, (_, index) => things().findOne({ index })));
    await until('all are logged', () => lines.filter(({ command }) => command === 'find').length === 20);
    expect(explained).toHaveLength(1);
  });

  it('is logged without a plan if it has none, and when it failed', async () => {
    watchSlowCommands(client, { thresholdMs: 0, log });
    await client
      .db()
      .command({ noSuchCommand: 1 })
      .catch(() => {});
    await until('the command is logged', () => lines.length > 0);
    expect(lines[0]).toMatchObject({ command: 'noSuchCommand', shape: {} });
    expect(lines[0]).not.toHaveProperty('plan');
  });
});

describe('a quick command', () => {
  it('is not logged, and no command is once watching has stopped', async () => {
    watchSlowCommands(client, { thresholdMs: 60_000, log });
    watchSlowCommands(client, { thresholdMs: 0, log })();
    await things().findOne({});
    expect(lines).toEqual([]);
  });
});
