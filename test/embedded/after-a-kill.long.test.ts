import { expect, test } from 'vitest';
import { ended, read, useDataDirectory, write } from '../helpers/data-directory.ts';

const data = useDataDirectory();

test('after a kill of its only user, the database stops by itself', async () => {
  const { client } = await data.openElsewhere();
  const { pid } = data.record();
  const keeper = data.holder()?.pid;
  client.kill('SIGKILL');
  await expect.poll(() => ended(pid) && ended(keeper), { timeout: 15_000 }).toBe(true);
  expect(data.holder()).toBeUndefined();
});

test('after a kill of its user during the start, nothing stays either', async () => {
  const client = data.startClient();
  await expect.poll(data.holder, { interval: 5, timeout: 10_000 }).toBeDefined();
  const keeper = data.holder()?.pid;
  client.kill('SIGKILL');
  await expect.poll(() => ended(keeper), { timeout: 18_000 }).toBe(true);
});

test('after a kill of its keeper, users learn of it, the server ends, and the next start has the data', async () => {
  const database = await data.open();
  await write(database.uri, 'kept');
  const { pid } = data.record();
  process.kill(data.holder()?.pid ?? 0, 'SIGKILL');
  expect(await database.lost).toMatch(/the process that kept the database has ended/);
  const next = await data.open();
  expect(next.joined).toBe(false);
  expect(ended(pid)).toBe(true);
  expect(await read(next.uri)).toEqual(['kept']);
});

test('after a kill of the server, users learn of it, and the next start has the data', async () => {
  const database = await data.open();
  await write(database.uri, 'kept');
  process.kill(data.record().pid ?? 0, 'SIGKILL');
  expect(await database.lost).toMatch(/the database server ended unexpectedly/);
  const next = await data.open();
  expect(await read(next.uri)).toEqual(['kept']);
});
