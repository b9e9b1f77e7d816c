import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DatabaseUnavailableError, provideDatabase } from '../../src/embedded/index.ts';

const DATA_DIRECTORY = join(tmpdir(), 'roster-never-made');
const silent = () => {};

test('a database that is named is used as it is, and its password is not said', async () => {
  const said: string[] = [];
  const MONGODB_URI = 'mongodb://user:secret@db.example.com/roster?replicaSet=rs0';
  const database = await provideDatabase({ MONGODB_URI, DATA_DIRECTORY, NODE_ENV: 'production' }, (line) =>
    said.push(line),
  );
  expect(database.uri).toBe(MONGODB_URI);
  expect(said).toEqual(['Database: the one that MONGODB_URI names']);
  await database.stop();
  expect(existsSync(DATA_DIRECTORY)).toBe(false);
});

test('production starts none', async () => {
  const attempt = provideDatabase({ DATA_DIRECTORY, NODE_ENV: 'production' }, silent);
  await expect(attempt).rejects.toThrow(DatabaseUnavailableError);
  await expect(attempt).rejects.toThrow(/set MONGODB_URI/);
  expect(existsSync(DATA_DIRECTORY)).toBe(false);
});
