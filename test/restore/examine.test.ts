import mongoose from 'mongoose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { OneTimeToken } from '../../src/models/one-time-token.ts';
import { Outbox } from '../../src/models/outbox.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { examine } from '../../src/restore/examine.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { sealAll, sealingOptions, trail } from '../helpers/audit.ts';
import { person } from '../helpers/people.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const found = (keyring = service.deps.keyring) => examine(mongoose.connection, service.config, keyring);
beforeEach(async () => {
  await Session.deleteMany({});
  await OneTimeToken.deleteMany({});
  await Outbox.deleteMany({});
});

it('nothing is wrong where nothing is under way', async () => {
  expect(await found()).toEqual([]);
});

it('what is still under way is told', async () => {
  await person(service);
  expect(await found()).toEqual([
    'sessions are left: 1',
    expect.stringMatching(/^one-time tokens are left: \d$/),
    'mails to send are left: 1',
  ]);
});

it('so is a keyring that opens nothing, and that the service then does not start', async () => {
  const told = await found(parseKeyring(generateKeyringSpec()));
  expect(told).toContainEqual(expect.stringMatching(/^\d+ encrypted values do not open$/));
  expect(told).toContainEqual(expect.stringMatching(/^the service does not work on it: /));
});

it('so is an audit trail that somebody has changed', async () => {
  await sealAll(sealingOptions(service));
  await trail().events.updateOne({}, { $set: { action: 'user.deleted' } });
  expect(await found()).toContainEqual(expect.stringMatching(/^the audit trail does not verify: /));
});

// The last one: there is no way back from it.
it('so are a unique index that is missing, and a migration', async () => {
  await User.collection.dropIndex('idx_users_email');
  await mongoose.connection.db?.collection('changelog').deleteOne({ fileName: '022_add_backups.js' });
  expect(await found()).toEqual(
    expect.arrayContaining([
      'migration 022_add_backups.js is pending',
      'the unique index users: idx_users_email is missing',
    ]),
  );
});
