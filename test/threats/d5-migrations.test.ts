// D5: migrations up, down, up (test/migrations); killed midway; two runners at once: one winner.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Db, Document } from 'mongodb';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { applyMigrations, MIGRATIONS_DIRECTORY, shippedMigrations } from '../../src/migrations.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { expectedShape, readShape } from '../../src/schema-check/shape.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { migrateMongo, type Runner } from '../helpers/migrate-mongo.ts';
import { until } from '../helpers/until.ts';

const { fresh } = databases();
const shipped = await shippedMigrations();
const directories: string[] = [];

// Up to four processes at once, each a matter of a second, and of several on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

/** Migrations that, unlike the shipped ones, show how often they ran. */
async function directoryOf(sources: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  directories.push(directory);
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  for (const [file, source] of Object.entries(sources)) await writeFile(join(directory, file), source);
  return directory;
}

const COUNTING = `export const up = async (db) => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  await db.collection('runs').insertOne({ file: import.meta.url.split('/').at(-1) });
};
export const down = (db) => db.collection('runs').deleteOne({});`;

/** Stops midway until the gate is open. */
const GATED = `export const up = async (db) => {
  await db.collection('steps').insertOne({ step: 'first' });
  while (!(await db.collection('gate').findOne())) await new Promise((resolve) => setTimeout(resolve, 20));
  await db.collection('steps').insertOne({ step: 'second' });
};
export const down = () => {};`;

const run = (db: Db, ...args: readonly string[]): Runner => migrateMongo(args, { MONGODB_URI: uriOf(db.databaseName) });

const changelog = async (db: Db): Promise<unknown[]> =>
  (await db.collection('changelog').find().sort({ fileName: 1 }).toArray()).map(({ fileName }) => fileName);

const locks = (db: Db): Promise<Document[]> => db.collection<Document>('changelog_lock').find().toArray();

/** As if the lease of a runner that is no more had run out by now. */
const expireLease = (db: Db) => db.collection('changelog_lock').updateMany({}, { $set: { expiresAt: new Date(0) } });

describe.each([2, 4])('%i operators who type the plain command at once', (runners) => {
  it('apply each migration once', async () => {
    const directory = await directoryOf({ '001_a.js': COUNTING, '002_b.js': COUNTING, '003_c.js': COUNTING });
    const db = fresh();
    const started = Array.from({ length: runners }, () => run(db, 'up', '--migrations-dir', directory));
    const outcomes = await Promise.all(started.map(({ done }) => done));

    expect(outcomes.map(({ code }) => code)).toEqual(outcomes.map(() => 0));
    const runs = await db.collection('runs').find().sort({ file: 1 }).toArray();
    expect(runs.map(({ file }) => file)).toEqual(['001_a.js', '002_b.js', '003_c.js']);
    expect(await changelog(db)).toEqual(['001_a.js', '002_b.js', '003_c.js']);
    const winners = outcomes.filter(({ stdout }) => stdout.includes('MIGRATED UP'));
    expect(winners).toHaveLength(1);
    expect(await locks(db)).toEqual([]);
  });
});

describe('operators and instances that start at once', () => {
  it('bring an empty database to the shape of the models', async () => {
    const db = fresh();
    const uri = uriOf(db.databaseName);
    const operators = [run(db, 'up'), run(db, 'up')];
    const instances = await Promise.all([applyMigrations(uri, () => {}), applyMigrations(uri, () => {})]);
    const outcomes = await Promise.all(operators.map(({ done }) => done));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    const byOperators = outcomes.flatMap(({ stdout }) =>
      [...stdout.matchAll(/MIGRATED UP: (\S+)/g)].map(([, file]) => file),
    );
    expect([...instances.flat(), ...byOperators].sort()).toEqual(shipped);
    expect(differences(expectedShape(), await readShape(db))).toEqual([]);
  });
});

describe('a runner that is killed midway', () => {
  it('keeps the next one waiting for its lease, which says so, and then finishes the work', async () => {
    const directory = await directoryOf({ '001_gated.js': GATED });
    const db = fresh();
    const victim = run(db, 'up', '--migrations-dir', directory);
    await until('the migration is midway', () => db.collection('steps').findOne());
    victim.child.kill('SIGKILL');
    await victim.done;
    expect(await changelog(db)).toEqual([]);

    const next = run(db, 'up', '--migrations-dir', directory);
    await until('it says that it waits', () => next.said().includes('Waiting: migrations of'));
    expect(await db.collection('steps').countDocuments()).toBe(1);
    await db.collection('gate').insertOne({ open: true });
    await expireLease(db);
    expect(await next.done).toMatchObject({ code: 0, stdout: expect.stringContaining('MIGRATED UP: 001_gated.js') });
    expect(await changelog(db)).toEqual(['001_gated.js']);
    expect(await locks(db)).toEqual([]);
  });

  it('stops when it comes back to life and another one has taken over', async () => {
    const directory = await directoryOf({ '001_gated.js': GATED });
    const db = fresh();
    const sleeper = run(db, 'up', '--migrations-dir', directory);
    await until('the migration is midway', () => db.collection('steps').findOne());
    await db.collection('changelog_lock').updateMany({}, { $set: { owner: 'another' } });
    expect(await sleeper.done).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The migration lock was lost'),
    });
    expect(await changelog(db)).toEqual([]);
    expect(await locks(db)).toMatchObject([{ owner: 'another' }]);
  });

  it('at any command of any migration, leaves what the next run finishes', async () => {
    const db = fresh();
    for (const [index, name] of shipped.entries()) {
      const migration = await import(pathToFileURL(join(MIGRATIONS_DIRECTORY, name)).href);
      if (index === 1) await db.collection('users').insertMany(people(3));
      // Each run finds what the one before it left, and is cut off one command later.
      for (let commands = 0, finished = false; !finished; commands += 1)
        finished = await migration.up(dyingAfter(commands, db)).then(() => true, deliberate);
    }
    expect(differences(expectedShape(), await readShape(db))).toEqual([]);
    expect(await db.collection('users').countDocuments({ roles: { $exists: false } })).toBe(0);
  });
});

const people = (count: number): Document[] =>
  Array.from({ length: count }, (_, n) => ({
    email: `${n}@example.com`,
    firstName: `Ada ${n}`,
    emailVerified: false,
    status: 'active',
    createdAt: new Date(),
    updatedAt: new Date(),
  }));

class Killed extends Error {}

const deliberate = (error: unknown): false => {
  if (error instanceof Killed) return false;
  throw error;
};

const COMMANDS = new Set(
  'command createCollection createIndex dropIndex drop updateOne updateMany deleteOne bulkWrite find findOne'.split(
    ' ',
  ),
);

/** The database of a runner that is no more after so many commands. */
function dyingAfter(commands: number, db: Db): Db {
  let left = commands;
  const watched = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, property) => {
        const value: unknown = Reflect.get(object, property, object);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (COMMANDS.has(String(property)) && left-- <= 0) throw new Killed();
          const result: unknown = value.apply(object, args);
          return property === 'collection' ? watched(result as object) : result;
        };
      },
    });
  return watched(db);
}
