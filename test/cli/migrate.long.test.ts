import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMigration, register } from '../../src/cli/migrate.ts';
import { migrateUp, shippedMigrations } from '../../src/migrations.ts';
import { rehearse } from '../../src/rehearsal/rehearse.ts';
import { databases } from '../helpers/databases.ts';

const { client, fresh } = databases();
const shipped = await shippedMigrations();
const quiet = (): void => {};

describe('roster migrate create', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'create-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('takes the next number', async () => {
    expect(await createMigration('initial_schema', directory)).toBe(join(directory, '001_initial_schema.js'));
    await writeFile(join(directory, '041_something.js'), '');
    expect(await createMigration('add_user_nicknames', directory)).toBe(join(directory, '042_add_user_nicknames.js'));
  });

  it('refuses to go beyond three digits', async () => {
    await writeFile(join(directory, '999_last.js'), '');
    await expect(createMigration('one_more', directory)).rejects.toThrow('There is no number after 999.');
  });

  it('writes both directions and the place for the reason; neither counts as done until it is written', async () => {
    const path = await createMigration('add_user_nicknames', directory);
    await writeFile(join(directory, 'package.json'), '{"type":"module"}');
    expect(await readFile(path, 'utf8')).toMatch(/^\/\/ Why: /);
    const { up, down } = await import(pathToFileURL(path).href);
    await expect(up()).rejects.toThrow('up is not written');
    await expect(down()).rejects.toThrow('down is not written');
  });

  it.each([
    'AddUsers',
    'add-users',
    'add users',
    '../escape',
    '001_add',
    '_add',
    'add__users',
    '',
    'x'.repeat(61),
    'ä',
  ])('refuses the name %j', async (name) => {
    const before = await readdir(new URL('../../migrations', import.meta.url));
    const program = new Command().exitOverride().configureOutput({ writeErr: quiet });
    register(program);
    for (const command of program.commands.flatMap((family) => [family, ...family.commands]))
      command.exitOverride().configureOutput({ writeErr: quiet });
    await expect(program.parseAsync(['migrate', 'create', name], { from: 'user' })).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
    expect(await readdir(new URL('../../migrations', import.meta.url))).toEqual(before);
  });
});

describe('roster migrate rehearse', () => {
  const account = (n: number) => ({
    email: `${n}@example.com`,
    firstName: `Ada ${n}`,
    emailVerified: false,
    status: 'active',
    createdAt: new Date(),
    updatedAt: new Date(),
  });

  const scratches = async (name: string): Promise<string[]> =>
    (await client.db().admin().listDatabases({ nameOnly: true })).databases
      .map((database) => database.name)
      .filter((other) => other.startsWith(`${name}_`));

  it('proves pending migrations on a copy: up, down, up, with what they did', async () => {
    const db = fresh();
    await db.collection('users').insertMany([account(1), account(2)]);
    const { documentsCopied, steps, problems } = await rehearse(client, db.databaseName, {}, quiet);
    expect(problems).toEqual([]);
    expect(documentsCopied).toBe(2);
    expect(steps.map(({ direction, migrations }) => [direction, migrations.length])).toEqual([
      ['up', shipped.length],
      ['down', shipped.length],
      ['up', shipped.length],
    ]);
    expect(steps[0]?.documents).toContainEqual({ collection: 'users', added: 0, changed: 2, removed: 0 });
    expect(steps[0]?.shape).toEqual(expect.arrayContaining(['+ index users.idx_users_email', '+ collection sessions']));
    expect(steps[1]?.shape).toEqual(expect.arrayContaining(['- index users.idx_users_email', '- collection sessions']));
    expect(steps[2]?.documents).toEqual([{ collection: 'guards', added: 1, changed: 0, removed: 0 }]);
    for (const { milliseconds } of steps) expect(milliseconds).toBeGreaterThan(0);
  });

  it('only reads the database itself, and drops the copy', async () => {
    const db = fresh();
    await db.collection('users').insertOne(account(1));
    await rehearse(client, db.databaseName, {}, quiet);
    expect((await db.listCollections().toArray()).map(({ name }) => name)).toEqual(['users']);
    expect(await db.collection('users').indexes()).toHaveLength(1);
    expect(await scratches(db.databaseName)).toEqual([]);
  });

  it('without pending ones undoes and redoes the newest, or as many as asked', async () => {
    const db = fresh();
    await migrateUp(client, db, quiet);
    const newest = await rehearse(client, db.databaseName, {}, quiet);
    expect(newest.steps.map(({ direction, migrations }) => [direction, migrations])).toEqual([
      ['down', shipped.slice(-1)],
      ['up', shipped.slice(-1)],
    ]);
    const all = await rehearse(client, db.databaseName, { steps: 99 }, quiet);
    expect(all.steps[0]?.migrations).toEqual([...shipped].reverse());
    expect([...newest.problems, ...all.problems]).toEqual([]);
  });

  it('copies a sample when asked to', async () => {
    const db = fresh();
    await db.collection('users').insertMany(Array.from({ length: 30 }, (_, n) => account(n)));
    expect(await rehearse(client, db.databaseName, { sampleSize: 5 }, quiet)).toMatchObject({
      documentsCopied: 5,
      problems: [],
    });
  });

  it('copies what is older than the rules, with its types', async () => {
    const db = fresh();
    await migrateUp(client, db, quiet);
    await db.command({ collMod: 'rate_limits', validationLevel: 'off' });
    await db.collection('rate_limits').insertOne({ key: 'without points' });
    await db.command({ collMod: 'rate_limits', validationLevel: 'strict' });
    expect((await rehearse(client, db.databaseName, {}, quiet)).problems).toEqual([]);
  });

  it('reports a shape that does not come back', async () => {
    const db = fresh();
    await migrateUp(client, db, quiet);
    await db.collection('rate_limits').dropIndex('idx_rate_limits_expire');
    // Back to before the migration that makes this index.
    const steps = shipped.length - shipped.indexOf('012_share_limits_by_library.js');
    expect((await rehearse(client, db.databaseName, { steps }, quiet)).problems).toEqual([
      'after up, down and up: rate_limits: index idx_rate_limits_expire on {"expire":1} is there, but nothing declares it',
    ]);
  });

  it('fails as the migration fails, and drops the copy all the same', async () => {
    const db = fresh();
    await db.collection('users').insertMany([account(1), account(1)]);
    await expect(rehearse(client, db.databaseName, {}, quiet)).rejects.toThrow(/001_initial_schema\.js.*E11000/);
    expect(await scratches(db.databaseName)).toEqual([]);
  });
});
