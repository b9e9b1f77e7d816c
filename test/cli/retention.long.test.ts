import { beforeAll, describe, expect, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { migrateUp } from '../../src/migrations.ts';
import { databases, uriOf } from '../helpers/databases.ts';
import { roster } from '../helpers/roster.ts';

const { client, fresh } = databases();
const db = fresh();
const KEYRING = generateKeyringSpec();
const DAY_MS = 86_400_000;

const retention = (args: string[], env: Record<string, string> = {}) =>
  roster(['retention', ...args], { env: { MONGODB_URI: uriOf(db.databaseName), KEYRING, ...env } });

const deleted = (name: string, daysAgo: number, purgeInDays: number) => {
  const at = new Date(Date.now() - daysAgo * DAY_MS);
  return {
    email: `${name}@example.com`,
    emailVerified: true,
    status: 'deleted',
    roles: ['user'],
    revision: 1,
    createdAt: at,
    updatedAt: at,
    deletedAt: at,
    purgeAt: new Date(Date.now() + purgeInDays * DAY_MS),
  };
};

const emails = async () =>
  (await db.collection('users').find().sort({ email: 1 }).toArray()).map(({ email }) => email.split('@')[0]);

beforeAll(async () => {
  await migrateUp(client, db, () => {});
  await db.collection<object>('users').insertMany([deleted('due', 31, -1), deleted('later', 10, 20)]);
});

describe('roster retention', () => {
  it('run --dry-run counts what is due and changes nothing', async () => {
    const { code, stdout } = await retention(['run', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^deleted-accounts +1$/m);
    expect(await emails()).toEqual(['due', 'later']);
  });

  it('apply gives what is there the end by the period as it is now, and says for how many beforehand', async () => {
    const shorter = { DELETED_USER_RETENTION_DAYS: '5' };
    const planned = await retention(['apply', '--dry-run', '--json'], shorter);
    expect(JSON.parse(planned.stdout)).toEqual({ 'deleted-accounts': 1, 'deleted-documents': 0, sessions: 0 });
    expect(await emails()).toEqual(['due', 'later']);
    const { stdout } = await retention(['apply', '--json'], shorter);
    expect(JSON.parse(stdout)).toEqual({ 'deleted-accounts': 1, 'deleted-documents': 0, sessions: 0 });
    const due = await db.collection('users').countDocuments({ purgeAt: { $lte: new Date() } });
    expect(due).toBe(2);
  });

  it('run removes what is due, and reports by rule', async () => {
    const { code, stdout } = await retention(['run', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ 'deleted-accounts': 2, 'dormant-accounts': 0 });
    expect(await emails()).toEqual([]);
    const again = await retention(['run', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ 'deleted-accounts': 0 });
  });
});
