import { setTimeout as pause } from 'node:timers/promises';
import { Types } from 'mongoose';
import { beforeAll, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { settleNames } from '../../src/key-rotation/names.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { Credential } from '../../src/models/credential.ts';
import { Journal } from '../../src/models/journal.ts';
import { User } from '../../src/models/user.ts';
import { updateProfile } from '../../src/models/user-account.ts';
import { openNames } from '../../src/models/user-names.ts';
import { apiKeyOf } from '../helpers/api-keys.ts';
import { enrolTotp } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';
import { restores } from '../helpers/restores.ts';
import { roster } from '../helpers/roster.ts';

const trial = restores();

const rewind = (id: string, ...more: string[]) => rewindWith({}, id, ...more);
const rewindWith = (other: Record<string, string>, id: string, ...more: string[]) =>
  roster(['restore', '--user', id, ...more], {
    env: {
      NODE_ENV: 'test',
      MONGODB_URI: trial.service.config.MONGODB_URI ?? '',
      KEYRING: trial.service.config.KEYRING ?? '',
      BACKUP_KEYS: trial.keySpec,
      BACKUP_URL: trial.url,
      ...other,
    },
  });

let ada: Person;
let moment: string;
beforeAll(async () => {
  ada = await person(trial.service, { roles: ['admin'] });
  await person(trial.service, { roles: ['admin'] });
  await trial.ship();
  await trial.backUp();
  await ada.call('PATCH', '/v1/users/me', { firstName: 'Ada', lastName: 'Lovelace' });
  await enrolTotp(ada);
  await pause(5);
  moment = new Date().toISOString();
  await pause(5);
}, 60_000);

it('one account becomes what it was, with whatever signs it in; first it is shown', async () => {
  // Somebody has taken it over: another name, another factor, a key of their own.
  const bob = await person(trial.service);
  await ada.call('PATCH', '/v1/users/me', { firstName: 'Mallory', lastName: null });
  const { deletedCount } = await Credential.deleteMany({ userId: ada.id });
  expect(deletedCount).toBeGreaterThan(0);
  await User.updateOne({ _id: ada.id }, { $unset: { secondFactors: 1 }, $set: { passwordHash: 'another' } });
  await apiKeyOf(trial.service, ada, ['users:read']);
  await trial.ship();

  const shown = await rewind(ada.id, '--to', moment);
  expect(shown.code, shown.stderr).toBe(0);
  const lines = shown.stdout.trim().split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'firstName: "Mallory" -> "Ada"',
      'lastName: (none) -> "Lovelace"',
      'passwordHash: another one',
      expect.stringMatching(/^credentials [0-9a-f]{24} comes back, totp/),
      expect.stringMatching(/^api_keys [0-9a-f]{24} goes/),
    ]),
  );
  expect(shown.stdout).not.toContain('$argon2');
  expect((await User.findById(ada.id).lean())?.firstName).toBe('Mallory');

  const done = await rewind(ada.id, '--to', moment, '--yes');
  expect(done.code, done.stderr).toBe(0);
  expect(done.stdout).toBe(shown.stdout);
  expect(await User.findById(ada.id).lean()).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace' });
  expect(outcome(await ada.call('GET', '/v1/users/me'))).toBe('401 invalid-token');
  const again = await call(trial.service, 'POST', '/v1/sessions', { email: ada.email, password: PASSWORD });
  expect(outcome(again)).toBe('401 mfa-required');
  expect(await AuditEvent.findOne({ action: 'user.rewound' }).lean()).toMatchObject({
    actor: { type: 'operator' },
    target: { collection: 'users', id: new Types.ObjectId(ada.id) },
    changes: expect.arrayContaining(['firstName', 'passwordHash']),
  });
  // Nobody else was touched, and the journal goes on from what is there.
  expect(outcome(await bob.call('GET', '/v1/users/me'))).toBe('200');
  const [last] = await Journal.find({ documentId: new Types.ObjectId(ada.id) })
    .sort({ revision: -1 })
    .limit(1)
    .lean();
  expect(last?.image).toMatchObject({ firstName: 'Ada' });
  const nothing = await rewind(ada.id, '--to', moment);
  expect(nothing.stdout).toBe('');
}, 60_000);

it('names come back as they are written today, and the same name is no change however it is kept', async () => {
  const grace = await person(trial.service);
  await grace.call('PATCH', '/v1/users/me', { firstName: 'Grace', lastName: 'Hopper' });
  const then = new Date().toISOString();
  await pause(5);
  const names = { keyring: trial.service.deps.keyring, encrypted: true };
  await settleNames(names, () => {});
  const id = new Types.ObjectId(grace.id);
  const change = { set: { firstName: 'Mallory' }, unset: [], problems: [] };
  await transaction((tx) => updateProfile(tx, SYSTEM, names, id, change));
  await trial.ship();
  const done = await rewindWith({ ENCRYPT_NAMES: 'true' }, grace.id, '--to', then, '--yes');
  expect(done.code, done.stderr).toBe(0);
  expect(done.stdout).toBe('firstName: "Mallory" -> "Grace"\n');
  const account = await User.findById(id).lean();
  expect(account).not.toHaveProperty('firstName');
  expect(openNames(names.keyring, account as never)).toEqual({ firstName: 'Grace', lastName: 'Hopper' });
  await settleNames({ ...names, encrypted: false }, () => {});
}, 60_000);

it('nothing comes back that the keyring of today does not open', async () => {
  const refused = await rewindWith({ KEYRING: generateKeyringSpec() }, ada.id, '--to', moment, '--yes');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('KEYRING does not open')]);
}, 60_000);

it('an email that somebody else has by now is not taken from them', async () => {
  const former = (await User.findById(ada.id).lean())?.email ?? '';
  await User.updateOne({ _id: ada.id }, { $set: { email: freshEmail() } });
  const bob = await person(trial.service);
  await User.updateOne({ _id: bob.id }, { $set: { email: former } });
  const refused = await rewind(ada.id, '--to', moment, '--yes');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('email')]);
  expect(await User.countDocuments({ email: former, _id: bob.id })).toBe(1);
}, 60_000);

it.each([
  ['whoever is not there', (): string => new Types.ObjectId().toHexString(), [], 1, 'There was no account'],
  ['no id', (): string => 'ada', [], 2, 'not the id of an account'],
  ['another database', (): string => ada.id, ['--into', 'other'], 2, '--into'],
] as const)(
  '%s is refused',
  async (_what, id, more, code, text) => {
    const refused = await rewind(id(), '--to', moment, ...more);
    expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(text)]);
  },
  60_000,
);

it('who was deleted since is restored by administration, not this way', async () => {
  const eve = await signIn(trial.service, (await person(trial.service)).email);
  await trial.ship();
  const before = new Date().toISOString();
  await pause(5);
  await eve.call('DELETE', '/v1/users/me');
  await trial.ship();
  const refused = await rewind(eve.id, '--to', before, '--yes');
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('Restore the account itself first')]);
}, 60_000);
