import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Db } from 'mongodb';
import mongoose, { type Model } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexDefinition, withRevision } from '../../src/collections/define.ts';
import { validatorOf } from '../../src/collections/validator.ts';
import { OWNERS } from '../../src/scaffold/blueprint.ts';
import { writingOf } from '../../src/scaffold/files.ts';
import { blueprintsOf } from '../../src/scaffold/request.ts';
import type { Tree } from '../../src/scaffold/tree.ts';
import { format, writeAll } from '../../src/scaffold/write.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { readShape } from '../../src/schema-check/shape.ts';
import { databases } from '../helpers/databases.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Every type with every option that it takes. */
const FIELDS = [
  'code:string(12) unique filter',
  'nickname:string optional unique',
  // A word of the language, and a name that the written test has for something else.
  'class:string(9) unique',
  'response:string(9) unique',
  'title:string sort filter',
  'body:text(50000) optional',
  'amount:integer unique sort',
  'place:integer filter',
  'weight:number sort',
  'open:boolean filter',
  'dueAt:date filter',
  'total:decimal sort',
  'discount:decimal optional',
  'state:enum(draft|in-progress|done) filter',
  'otherState:enum(a|b) optional filter',
  'leadId:reference(users/nullify) optional filter',
  'parentId:reference(zz-things/cascade) optional',
];

const { fresh } = databases();
const roots: string[] = [];

/** A tree with what the written files need of it. */
function plant(): Tree {
  const root = mkdtempSync(join(tmpdir(), 'roster-texts-'));
  roots.push(root);
  for (const path of [
    'biome.json',
    '.gitignore',
    'package.json',
    'docs/collections.md',
    'src/collections/index.ts',
    'src/models/life.ts',
    'migrations/lib',
  ])
    cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  mkdirSync(join(root, 'src/routes'));
  const known = [{ collection: 'users', model: 'User', mayBeReferredTo: true }];
  return { root, known, schemas: new Set(), operationIds: new Set(), paths: [], nextMigration: 1 };
}

interface Migration {
  up(db: Db): Promise<void>;
  down(db: Db): Promise<void>;
}

afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

describe.each(OWNERS)('what is written for the owner %s', (owner) => {
  let tree: Tree;
  let files: string[];
  beforeAll(() => {
    tree = plant();
    const manyToMany = owner === 'none' ? [] : ['zz-labels'];
    const blueprints = blueprintsOf({ plural: 'zz-things', owner, fields: FIELDS, manyToMany }, tree);
    files = writeAll(tree.root, writingOf(tree.root, blueprints), (written) => format(tree.root, written));
  });

  it('is formatted and linted', () => {
    const biome = join(REPOSITORY, 'node_modules/@biomejs/biome/bin/biome');
    const sources = files.filter((file) => /\.[jt]s$/.test(file));
    const { status, stderr } = spawnSync(process.execPath, [biome, 'ci', '--error-on-warnings', ...sources], {
      cwd: tree.root,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
  });

  it('is listed, and documented', () => {
    const text = (file: string) => readFileSync(join(tree.root, file), 'utf8');
    expect(text('src/collections/index.ts')).toMatch(/const domain: Resource\[\] = \[[^\]]*\bzzThings\b/);
    const [, section = ''] = text('docs/collections.md').split('\n## Zz things\n');
    for (const [name] of FIELDS.map((field) => field.split(':'))) expect(section).toContain(`| \`${name}\` |`);
  });

  it('has migrations that make what the models want, twice the same, and undo it', async () => {
    const db = fresh();
    const load = async <T>(file: string): Promise<T> => import(pathToFileURL(join(tree.root, file)).href);
    const models = await Promise.all(
      files.filter((file) => file.startsWith('src/models/')).map((file) => load<Record<string, Model<unknown>>>(file)),
    );
    const made = models.flatMap((each) => Object.values(each)).filter((each) => typeof each === 'function');
    const wanted = new Map(
      made.map(({ schema, collection }) => [
        collection.collectionName,
        {
          indexes: schema.indexes().map(([key, options]) => indexDefinition({ ...options, key })),
          validator: withRevision(validatorOf(schema as never)),
        },
      ]),
    );
    for (const { modelName } of made) mongoose.deleteModel(modelName);
    expect(wanted.size).toBe(owner === 'none' ? 1 : 3);
    const migrations = await Promise.all(
      files.filter((file) => file.startsWith('migrations/')).map((file) => load<Migration>(file)),
    );
    for (let time = 0; time < 2; time += 1) for (const { up } of migrations) await up(db);
    expect(differences(wanted, await readShape(db))).toEqual([]);
    for (let time = 0; time < 2; time += 1) for (const { down } of migrations.toReversed()) await down(db);
    expect(await readShape(db)).toEqual(new Map());
  });
});
