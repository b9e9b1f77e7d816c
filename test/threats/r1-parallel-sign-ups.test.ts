// R1: two accounts for one mailbox. Elsewhere "is the email taken?" was asked before the insert, and of two sign-ups at
// once, or of two spellings, both were told no. Here the unique index decides, over the normalised email; and without
// that index the service does not start.

import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { applyMigrations } from '../../src/migrations.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { StartError, startService } from '../../src/service.ts';
import { buildTestApp, freshDatabaseUri, type TestApp } from '../helpers/app.ts';
import { inParallel, tally } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD } from '../helpers/people.ts';

describe('parallel sign-ups', () => {
  let here: TestApp;
  let there: TestApp;
  beforeAll(async () => {
    here = await buildTestApp();
    there = await here.another();
  });
  afterAll(() => here.close());

  const signUp = (on: TestApp, email: string, headers = {}) =>
    call(on, 'POST', '/v1/users', { email, password: PASSWORD }, { headers });

  it('with one email make one account, with one audit event', async () => {
    const email = freshEmail();
    const answers = await inParallel([here, there], 12, (instance) => signUp(instance, email));
    expect(tally(answers)).toEqual({ 201: 1, '409 email-taken': 11 });
    const [id = ''] = answers.filter(({ statusCode }) => statusCode === 201).map((answer) => answer.json().id);
    expect((await User.find({ email }).lean()).map(({ _id }) => String(_id))).toEqual([id]);
    expect(await AuditEvent.countDocuments({ action: 'user.created' })).toBe(1);
    expect(await AuditEvent.countDocuments({ action: 'user.created', 'target.id': id })).toBe(1);
  });

  it('with spellings of one email make one account', async () => {
    const spellings = (email: string) => [
      email,
      email.toUpperCase(),
      ` ${email} `,
      email.replace('@', '\uff20'),
      email.replace('.com', '\uff0ecom'),
      email.replace('\u00f6', 'o\u0308'),
      email.replace('e', 'E'),
      email.replace('example', 'EXAMPLE'),
    ];
    const variants = spellings(`j\u00f6rg.${freshEmail()}`);
    expect(new Set(variants).size).toBe(variants.length);
    const answers = await inParallel([here, there], 16, (on, index) => signUp(on, variants[index % 8] ?? ''));
    expect(tally(answers)).toEqual({ 201: 1, '409 email-taken': 15 });
  });

  it('under one idempotency key make one account, and tell nobody of a second', async () => {
    const email = freshEmail();
    const answers = await inParallel([here, there], 10, (on) => signUp(on, email, { 'idempotency-key': 'once' }));
    const { 201: made = 0, '409 idempotency-in-progress': waiting = 0, ...others } = tally(answers);
    expect(others).toEqual({});
    expect(made).toBeGreaterThanOrEqual(1);
    expect(made + waiting).toBe(10);
    const ids = answers.filter(({ statusCode }) => statusCode === 201).map((answer) => answer.json().id);
    expect(new Set(ids).size).toBe(1);
    expect(await User.countDocuments({ email })).toBe(1);
  });
});

describe('without the unique index', () => {
  const uri = freshDatabaseUri();
  const client = new MongoClient(uri);
  beforeAll(() => applyMigrations(uri, () => {}));
  afterAll(async () => {
    await client.db().dropDatabase();
    await client.close();
  });

  const start = (mode: string) =>
    startService(
      loadConfig({
        NODE_ENV: mode,
        LOG_LEVEL: 'silent',
        KEYRING: generateKeyringSpec(),
        MONGODB_URI: uri,
        PORT: '0',
        METRICS_PORT: '0',
      }),
      () => {},
    );

  it.each(['production', 'development'])('the service refuses to start in %s, and says why', async (mode) => {
    const users = client.db().collection('users');
    await users.dropIndex('idx_users_email');
    // An index of the same name that is not unique does not do.
    await users.createIndex({ email: 1 }, { name: 'idx_users_email' });
    const refused = start(mode);
    await expect(refused).rejects.toBeInstanceOf(StartError);
    await expect(refused).rejects.toThrow('users: idx_users_email');
    await users.dropIndex('idx_users_email');
    await users.createIndex({ email: 1 }, { name: 'idx_users_email', unique: true });
  });

  it('is why: with it, it starts', async () => {
    const service = await start('production');
    expect((await fetch(`${service.address}/readyz`)).status).toBe(200);
    await service.close();
  });
});
