import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultOf } from '../../src/migration-draft/defaults.ts';
import { draftMigration } from '../../src/migration-draft/draft.ts';
import { migrateUp, shippedMigrations } from '../../src/migrations.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { expectedShape, readShape, shapeOfMigrations } from '../../src/schema-check/shape.ts';
import { changeModels, FORGOTTEN } from '../helpers/changed-models.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { Drafts } from '../helpers/drafts.ts';
import { ServiceCopy } from '../helpers/service-copy.ts';

const { client, fresh } = databases();
const db = fresh();
const shipped = await shippedMigrations();
const next = String(shipped.length + 1).padStart(3, '0');

let copy: ServiceCopy;
const schema = (...args: string[]) => copy.roster(['schema', ...args], { MONGODB_URI: uriOf(db.databaseName) });

beforeAll(async () => {
  copy = await ServiceCopy.make();
  await migrateUp(client, db, () => {});
});
afterAll(() => copy.remove());

/** One after the other: what a developer does who changes models. */
describe('with changed models', () => {
  it('there is nothing to do at first', async () => {
    const { code, stdout, stderr } = await schema('diff', '--write');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('Nothing to do');
    expect(await copy.migrations()).toEqual(shipped);
  });

  it('nothing is drafted while a model is listed nowhere', async () => {
    await changeModels(copy);
    const { code, stdout, stderr } = await schema('diff', '--write');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('zz_forgotten: the model ZzForgotten is not listed in src/collections');
    await rm(copy.path(FORGOTTEN));
  });

  it('the draft is printed, and written only on demand, under a name that migrations may have', async () => {
    const printed = await schema('diff');
    expect(printed.code).toBe(1);
    expect(printed.stdout).toMatch(
      /^\/\/ Why: in users idx_users_roles is gone\. In sessions idx_sessions_expires_at changes\./,
    );
    expect((await schema('diff', '--write', 'Not-A-Name')).code).toBe(2);
    expect(await copy.migrations()).toEqual(shipped);

    const { code, stdout } = await schema('diff', '--write');
    const file = `${next}_change_users_and_sessions_and_guards_and_webhooks.js`;
    expect([code, stdout]).toEqual([0, `${copy.path('migrations', file)}\n`]);
    expect(await copy.migrations()).toEqual([...shipped, file]);
    expect(await readFile(copy.path('migrations', file), 'utf8')).toBe(printed.stdout);
  });

  it('there is nothing to do afterwards, and the database has a migration to apply', async () => {
    expect(await schema('diff', '--write', 'again')).toMatchObject({ code: 0, stdout: '' });
    expect(await copy.migrations()).toHaveLength(shipped.length + 1);
    const { code, stdout } = await schema('check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Models and migrations agree/);
    expect(stdout).toContain(`migration ${next}_change_users_and_sessions_and_guards_and_webhooks.js is not applied`);
  });

  it('nothing is written when a field becomes required and the model has no default for it', async () => {
    await copy.edit('dist/models/webhook.js', 'maxlength: 30 }', 'maxlength: 30, required: true }');
    const { code, stdout, stderr } = await schema('diff', '--write');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/webhooks\.nickname becomes required.* Nothing was written\..*default/);
    expect(await copy.migrations()).toHaveLength(shipped.length + 1);

    await copy.edit('dist/models/webhook.js', '30, required: true }', "30, required: true, default: 'unnamed' }");
    expect((await schema('diff')).stdout).toContain("  await fillIn(db, 'webhooks', 'nickname', 'unnamed');\n");
  });
});

describe('with other migrations', () => {
  let other: ServiceCopy;
  beforeAll(async () => {
    other = await ServiceCopy.make();
  });
  afterAll(() => other.remove());

  const made = () => shapeOfMigrations(client, db.databaseName, other.path('migrations'));

  it('a collection is retired for good, even one that a migration had put documents into', async () => {
    const remaining = new Map([...expectedShape()].filter(([name]) => name !== 'guards'));
    const draft = draftMigration(await made(), remaining, defaultOf);
    expect(draft?.name).toBe('retire_guards');
    const path = other.path(`migrations/${next}_retire_guards.js`);
    await writeFile(path, draft?.text ?? '');
    expect(differences(remaining, await made())).toEqual([]);
    await rm(path);
  });

  it('a draft makes what is missing, and only reads the database itself', async () => {
    const drafts = await Drafts.make();
    try {
      for (const file of shipped.slice(13)) await rm(other.path('migrations', file));
      const { code, stdout } = await other.roster(['schema', 'diff', '--write', 'catch_up'], {
        MONGODB_URI: uriOf(db.databaseName),
      });
      expect([code, stdout]).toEqual([0, `${other.path('migrations/014_catch_up.js')}\n`]);
      expect(differences(expectedShape(), await made())).toEqual([]);
      await drafts.write(await readFile(other.path('migrations/014_catch_up.js'), 'utf8'));
      expect(drafts.complaints()).toBe('');
      expect(differences(expectedShape(), await readShape(db))).toEqual([]);
    } finally {
      await drafts.remove();
    }
  });
});
