import { randomBytes } from 'node:crypto';
import mongoose, { Types } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { countOutdatedNames, settleNames } from '../../src/key-rotation/names.ts';
import { reencrypt } from '../../src/key-rotation/reencrypt.ts';
import { survey } from '../../src/key-rotation/survey.ts';
import { parseKeyring } from '../../src/lib/keyring.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { Journal } from '../../src/models/journal.ts';
import { User } from '../../src/models/user.ts';
import { createUser, findUser } from '../../src/models/user-account.ts';
import { importUsers } from '../../src/models/user-import.ts';
import { createWebhook } from '../../src/models/webhook-change.ts';
import { openPayload, WebhookEvent } from '../../src/models/webhook-event.ts';
import { handOutEvent } from '../../src/models/webhook-fan-out.ts';
import { userView } from '../../src/routes/representations.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { expectJournalToAgree } from '../helpers/journal.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, dump, freshEmail, PASSWORD, type Person, person, signIn } from '../helpers/people.ts';
import { sentBy, wrongIn } from '../helpers/query-plans.ts';
import { newTeam } from '../helpers/teams.ts';

const spec = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [OLD, NEW] = [spec('k-old'), spec('k-new')];

/** Over one database: names are encrypted by the one, and written in clear by the other. */
let sealing: TestApp;
let clear: TestApp;
let admin: Person;
beforeAll(async () => {
  sealing = await buildTestApp({ ENCRYPT_NAMES: 'true', KEYRING: OLD });
  clear = await sealing.another({ ENCRYPT_NAMES: 'false' });
  admin = await person(sealing, { roles: ['admin'] });
});
afterAll(() => sealing.close());

const stored = (id: string) => User.findById(id).lean();
const nothing = () => {};

async function called(firstName: string, lastName: string, on = sealing): Promise<Person> {
  const email = freshEmail();
  const made = await call(on, 'POST', '/v1/users', { email, password: PASSWORD, firstName, lastName });
  expect(made.json()).toMatchObject({ firstName, lastName });
  return signIn(on, email);
}

async function found(q: string, on = sealing, more: Record<string, string> = {}): Promise<string[]> {
  const answer = await admin.call('GET', '/v1/admin/users', undefined, { on, query: { q, ...more } });
  expect(outcome(answer)).toBe('200');
  return answer.json().items.map(({ email }: { email: string }) => email);
}

describe('names that are encrypted', () => {
  let ada: Person;
  beforeAll(async () => {
    ada = await called('Augusta', 'Lovelace-Byron');
  });

  it('are nowhere in the database, and shown wherever they were', async () => {
    const team = await newTeam(ada);
    const read = async (who: Person, url: string) => (await who.call('GET', url)).json();
    const names = { firstName: 'Augusta', lastName: 'Lovelace-Byron' };
    expect(await read(ada, '/v1/users/me')).toMatchObject(names);
    expect(await read(admin, `/v1/admin/users/${ada.id}`)).toMatchObject(names);
    expect((await read(admin, '/v1/admin/users?limit=100')).items).toContainEqual(expect.objectContaining(names));
    expect((await signInAnswer(ada)).user).toMatchObject(names);
    expect((await read(ada, `${team.url}/members?include=user`)).included.user).toEqual([{ id: ada.id, ...names }]);
    expect((await read(ada, '/v1/users/me/export')).users).toEqual([expect.objectContaining(names)]);
    const options = await ada.call('POST', '/v1/users/me/passkeys/options');
    expect(options.json().user.displayName).toBe('Augusta Lovelace-Byron');
    expect(await dump()).not.toMatch(/augusta|lovelace/i);
  });

  const signInAnswer = async ({ email, password }: Person) =>
    (await call(sealing, 'POST', '/v1/sessions', { email, password })).json();

  it('are told to endpoints that hear of the account', async () => {
    const { keyring } = sealing.deps;
    const choice = { url: 'https://8.8.8.8/hook', events: [], enabled: true };
    await transaction((tx) => createWebhook(tx, SYSTEM, keyring, choice));
    const changed = await ada.call('PATCH', '/v1/users/me', { avatarUrl: 'https://example.com/a.png' });
    expect(outcome(changed)).toBe('200');
    while (await handOutEvent(keyring, userView));
    const event = await WebhookEvent.findOne({ type: 'user.updated' }).lean();
    const payload = JSON.parse(openPayload(keyring, { _id: event?._id as never, payload: event?.payload ?? '' }));
    expect(payload.data.user).toMatchObject({ firstName: 'Augusta', lastName: 'Lovelace-Byron' });
  });

  it('change one by one, and are removed with the hash that finds them', async () => {
    const grace = await called('Grace', 'Hopper');
    expect((await grace.call('PATCH', '/v1/users/me', { firstName: 'Amazing' })).json()).toMatchObject({
      firstName: 'Amazing',
      lastName: 'Hopper',
    });
    expect([await found('grace'), await found('amazing')]).toEqual([[], [grace.email]]);
    const { lastName, ...rest } = (await grace.call('PATCH', '/v1/users/me', { lastName: null })).json();
    expect([rest.firstName, lastName]).toEqual(['Amazing', undefined]);
    expect(
      Object.keys((await stored(grace.id)) ?? {})
        .filter((path) => /name/i.test(path))
        .sort(),
    ).toEqual(['firstNameKey', 'sealedFirstName']);
    const event = await AuditEvent.findOne({ action: 'user.updated', 'target.id': grace.id }).sort({ _id: -1 }).lean();
    expect(event?.changes).toEqual(['lastName']);
  });

  it('must not make up the password', async () => {
    const newPassword = 'lovelace-byron-augusta';
    const change = { currentPassword: PASSWORD, newPassword };
    const refused = await ada.call('PUT', '/v1/users/me/password', change);
    expect(refused.json().errors).toMatchObject([{ pointer: '/newPassword', code: 'contextual' }]);
  });

  it('take the place of those in clear, and the other way round, with each change', async () => {
    const joan = await called('Joan', 'Clarke', clear);
    expect(await stored(joan.id)).toMatchObject({ firstName: 'Joan', firstNameKey: 'joan', lastName: 'Clarke' });
    await joan.call('PATCH', '/v1/users/me', { firstName: 'Joan' }, { on: sealing });
    expect(await stored(joan.id)).not.toHaveProperty('firstName');
    expect(await stored(joan.id)).toMatchObject({ lastName: 'Clarke', lastNameKey: 'clarke' });
    for (const on of [sealing, clear])
      expect((await joan.call('GET', '/v1/users/me', undefined, { on })).json()).toMatchObject({
        firstName: 'Joan',
        lastName: 'Clarke',
      });
    await joan.call('PATCH', '/v1/users/me', { firstName: 'Joan', lastName: null }, { on: clear });
    expect(await stored(joan.id)).toMatchObject({ firstName: 'Joan', firstNameKey: 'joan' });
    expect(await stored(joan.id)).not.toHaveProperty('sealedFirstName');
  });

  it('are imported as they are written', async () => {
    const email = freshEmail();
    const account = { email, profile: { firstName: 'Radia', lastName: 'Perlman' } };
    await transaction((tx) => importUsers(tx, SYSTEM, sealing.deps.names, [account]));
    expect(await User.findOne({ email }).lean()).not.toHaveProperty('firstName');
    expect(await found('Perlman')).toEqual([email]);
  });

  it('are refused by the database in clear where a ciphertext belongs', async () => {
    await expect(User.collection.updateOne({ email: ada.email }, { $set: { sealedFirstName: 'Ada' } })).rejects.toThrow(
      /validation/i,
    );
  });

  it('are left out where the keyring does not open them, and nothing else is', async () => {
    const user = await findUser(new Types.ObjectId(ada.id));
    const { firstName: _, lastName: __, ...rest } = userView(sealing.deps.keyring, user);
    expect(userView(parseKeyring(NEW), user)).toEqual(rest);
  });
});

describe('search for names that are encrypted', () => {
  const q = 'Zuse';
  const emails: string[] = [];
  beforeAll(async () => {
    for (const [first, last] of [
      ['Konrad', 'Zuse'],
      ['ZUSE', 'Konrad'],
      ['zuse', 'zuse'],
    ] as const)
      emails.push((await called(first, last)).email);
    emails.push((await called('Horst', 'Zuse', clear)).email);
    emails.push((await called('Horst', 'Zuselmann', clear)).email);
  });

  it('finds whole names in any case, beside those in clear by how they begin, each account once', async () => {
    expect((await found(q)).sort()).toEqual([...emails].sort());
    expect((await found('zUsE')).sort()).toEqual([...emails].sort());
    expect((await found('zus')).sort()).toEqual(emails.slice(3).sort());
    expect(await found('konrad')).toEqual([emails[0], emails[1]].toSorted(() => -1));
    expect(await found(q, sealing, { status: 'suspended' })).toEqual([]);
    // A hash is no text that begins with anything.
    const { firstNameKey = '' } = (await User.findOne({ email: emails[0] ?? '' }).lean()) ?? {};
    for (const length of [1, 2, 6]) expect(await found(firstNameKey?.slice(0, length) ?? '')).not.toContain(emails[0]);
  });

  it('goes on behind each of them', async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: Record<string, string> = { q, limit: '1', ...(cursor && { cursor }) };
      const page: { items: { email: string }[]; nextCursor: string | null } = (
        await admin.call('GET', '/v1/admin/users', undefined, { query })
      ).json();
      seen.push(...page.items.map(({ email }) => email));
      cursor = page.nextCursor;
    }
    expect([seen.length, [...seen].sort()]).toEqual([emails.length, [...emails].sort()]);
  });

  it('has an index for each step', async () => {
    const sent = (await sentBy(() => found(q))).filter(({ collection }) => collection === 'users');
    expect(sent).toHaveLength(5);
    expect(await wrongIn(sent)).toEqual([]);
  });
});

describe('keys rotate', () => {
  const both = () => parseKeyring(`${NEW},${OLD}`);
  const db = () => mongoose.connection.getClient().db(mongoose.connection.name);

  it('encrypts the names that are in clear, counts first, and leaves one trace', async () => {
    const names = sealing.deps.names;
    const before = await User.find({ firstName: { $exists: true } }).lean();
    expect(before.length).toBeGreaterThan(2);
    expect(await countOutdatedNames(names, nothing)).toBe(before.length);
    expect(await settleNames(names, nothing)).toBe(before.length);
    expect(await countOutdatedNames(names, nothing)).toBe(0);
    expect(await settleNames(names, nothing)).toBe(0);
    expect(await AuditEvent.find({ action: 'keyring.rotated' }).lean()).toMatchObject([
      { actor: { type: 'operator' }, target: { collection: 'users' }, changes: ['firstName', 'lastName'] },
    ]);
    for (const { _id, firstName, lastName, revision, updatedAt } of before) {
      const after = await stored(String(_id));
      expect(after).toMatchObject({ revision, updatedAt });
      expect(after).not.toHaveProperty('firstName');
      const shown = userView(sealing.deps.keyring, after as never);
      expect([shown.firstName, shown.lastName]).toEqual([firstName, lastName]);
    }
  });

  it('leaves a name as somebody changed it meanwhile', async () => {
    const person = await called('Before', 'Hand', clear);
    const { names } = sealing.deps;
    const { bulkWrite } = User.collection;
    User.collection.bulkWrite = async (...args: Parameters<typeof bulkWrite>) => {
      User.collection.bulkWrite = bulkWrite;
      await person.call('PATCH', '/v1/users/me', { firstName: 'After' }, { on: sealing });
      return bulkWrite.apply(User.collection, args);
    };
    expect(await settleNames(names, nothing)).toBe(0);
    expect((await person.call('GET', '/v1/users/me')).json()).toMatchObject({ firstName: 'After', lastName: 'Hand' });
    expect(await settleNames(names, nothing)).toBe(1);
  });

  it('renews the hash with the name, so that search finds both before, meanwhile and without the old key', async () => {
    const anita = await called('Anita', 'Borg');
    const during = await sealing.another({ KEYRING: `${NEW},${OLD}` });
    const other = await called('Anita', 'Other', during);
    const all = [anita.email, other.email].sort();
    expect((await found('anita', during)).sort()).toEqual(all);
    const images = Journal.find({ documentId: new Types.ObjectId(anita.id) });
    expect((await images.clone().lean()).length).toBeGreaterThan(0);
    await reencrypt(mongoose.connection, both(), nothing);
    const after = await sealing.another({ KEYRING: NEW });
    const { accessToken } = await signIn(after, admin.email);
    const answer = await call(after, 'GET', '/v1/admin/users?q=ANITA', undefined, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    expect(
      answer
        .json()
        .items.map(({ email }: { email: string }) => email)
        .sort(),
    ).toEqual(all);
    expect(answer.json().items).toContainEqual(expect.objectContaining({ firstName: 'Anita', lastName: 'Borg' }));
    const { firstNameKey } = (await stored(anita.id)) ?? {};
    for (const { image } of await images.clone().lean()) expect(image).toMatchObject({ firstNameKey });
    expect((await survey(db(), parseKeyring(NEW), nothing)).unreadable).toBe(0);
  });

  it('opens all of them again', async () => {
    const after = { keyring: both(), encrypted: false };
    const sealedNames = await User.countDocuments({ sealedFirstName: { $exists: true } });
    expect(await settleNames(after, nothing)).toBe(sealedNames);
    expect(await User.countDocuments({ sealedFirstName: { $exists: true } })).toBe(0);
    expect(await User.findOne({ firstName: 'Anita', lastName: 'Borg' }).lean()).toMatchObject({
      firstNameKey: 'anita',
      lastNameKey: 'borg',
    });
    expect((await found('bor', clear)).length).toBe(1);
  });

  it('leaves an account alone whose names do not open', async () => {
    const lost = { keyring: parseKeyring(spec('k-lost')), encrypted: true };
    const account = { email: freshEmail(), profile: { firstName: 'Lost' } };
    const { _id } = await transaction((tx) => createUser(tx, SYSTEM, lost, account));
    const before = await stored(String(_id));
    expect(await settleNames({ keyring: both(), encrypted: false }, nothing)).toBe(0);
    expect(await stored(String(_id))).toEqual(before);
    await User.deleteOne({ _id });
  });

  it('leaves its images in the journal', expectJournalToAgree);
});
