import mongoose, { Types } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { countOutdatedNames, settleNames } from '../../src/key-rotation/names.ts';
import { reencrypt } from '../../src/key-rotation/reencrypt.ts';
import { survey } from '../../src/key-rotation/survey.ts';
import { parseKeyring } from '../../src/lib/keyring.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { Journal } from '../../src/models/journal.ts';
import { User } from '../../src/models/user.ts';
import { createUser } from '../../src/models/user-account.ts';
import { keepNames, namesOf, namesToKeep } from '../../src/models/user-names.ts';
import { userView } from '../../src/routes/representations.ts';
import { keyOf, useEncryptedNames } from '../helpers/encrypted-names.ts';
import { expectJournalToAgree } from '../helpers/journal.ts';
import { call, freshEmail, signIn } from '../helpers/people.ts';

const [OLD, NEW] = [keyOf('k-old'), keyOf('k-new')];
const { sealing, clear, admin, stored, called, found } = useEncryptedNames(OLD);

const nothing = () => {};

describe('keys rotate', () => {
  const both = () => parseKeyring(`${NEW},${OLD}`);
  const db = () => mongoose.connection.getClient().db(mongoose.connection.name);

  it('encrypts the names that are in clear, counts first, and leaves one trace', async () => {
    const names = sealing().deps.names;
    const alone = await called('Joan', 'Clarke', clear());
    await alone.call('PATCH', '/v1/users/me', { lastName: null }, { on: clear() });
    await called('Horst', 'Zuse', clear());
    const before = await User.find({ firstName: { $exists: true } }).lean();
    expect(before.length).toBe(2);
    expect(await countOutdatedNames(names, nothing)).toBe(before.length);
    expect(await settleNames(names, nothing)).toEqual({ rewritten: before.length, refused: [] });
    expect(await countOutdatedNames(names, nothing)).toBe(0);
    expect((await settleNames(names, nothing)).rewritten).toBe(0);
    expect(await AuditEvent.find({ action: 'keyring.rotated' }).lean()).toMatchObject([
      {
        actor: { type: 'operator' },
        target: { collection: 'users' },
        changes: ['firstName', 'lastName'],
        reason: 'names encrypted',
      },
    ]);
    for (const { _id, firstName, lastName, revision, updatedAt } of before) {
      const after = await stored(String(_id));
      expect(after).toMatchObject({ revision, updatedAt });
      expect(after).not.toHaveProperty('firstName');
      const shown = userView(sealing().deps.keyring, after as never);
      expect([shown.firstName, shown.lastName]).toEqual([firstName, lastName]);
    }
  });

  it('leaves a name as somebody changed it meanwhile', async () => {
    const person = await called('Before', 'Hand', clear());
    const { names } = sealing().deps;
    const { bulkWrite } = User.collection;
    User.collection.bulkWrite = async (...args: Parameters<typeof bulkWrite>) => {
      User.collection.bulkWrite = bulkWrite;
      await person.call('PATCH', '/v1/users/me', { firstName: 'After' }, { on: sealing() });
      return bulkWrite.apply(User.collection, args);
    };
    expect((await settleNames(names, nothing)).rewritten).toBe(0);
    expect((await person.call('GET', '/v1/users/me')).json()).toMatchObject({ firstName: 'After', lastName: 'Hand' });
    expect((await settleNames(names, nothing)).rewritten).toBe(1);
  });

  it('renews the hash with the name, so that search finds both before, meanwhile and without the old key', async () => {
    const anita = await called('Anita', 'Borg');
    const during = await sealing().another({ KEYRING: `${NEW},${OLD}` });
    const other = await called('Anita', 'Other', during);
    const all = [anita.email, other.email].sort();
    expect((await found('anita', during)).sort()).toEqual(all);
    const images = Journal.find({ documentId: new Types.ObjectId(anita.id) });
    expect((await images.clone().lean()).length).toBeGreaterThan(0);
    await reencrypt(mongoose.connection, both(), nothing);
    const after = await sealing().another({ KEYRING: NEW });
    const { accessToken } = await signIn(after, admin().email);
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
    expect(await settleNames(after, nothing)).toEqual({ rewritten: sealedNames, refused: [] });
    expect(await User.countDocuments({ sealedFirstName: { $exists: true } })).toBe(0);
    expect(await User.findOne({ firstName: 'Anita', lastName: 'Borg' }).lean()).toMatchObject({
      firstNameKey: 'anita',
      lastNameKey: 'borg',
    });
    expect((await found('bor', clear())).length).toBe(1);
  });

  it('leaves an account alone whose names do not open', async () => {
    const lost = { keyring: parseKeyring(keyOf('k-lost')), encrypted: true };
    const account = { email: freshEmail(), profile: { firstName: 'Lost' } };
    const { _id } = await transaction((tx) => createUser(tx, SYSTEM, lost, account));
    const before = await stored(String(_id));
    expect((await settleNames({ keyring: both(), encrypted: false }, nothing)).rewritten).toBe(0);
    expect(await stored(String(_id))).toEqual(before);
    await User.deleteOne({ _id });
  });

  it('opens each name by itself, and shows the one that opens', async () => {
    const _id = new Types.ObjectId();
    const lost = { keyring: parseKeyring(keyOf('k-lost')), encrypted: true };
    const { set } = keepNames(lost, _id, { set: { lastName: 'Lost' }, unset: [] });
    const names = { keyring: both(), encrypted: true };
    const account = { _id, ...set, firstName: 'Kept', firstNameKey: 'kept' };
    expect(namesOf(names.keyring, account)).toEqual({ firstName: 'Kept' });
    expect(Object.keys(namesToKeep(names, account)?.set ?? {}).sort()).toEqual(['firstNameKey', 'sealedFirstName']);
  });

  it('tells of an account that the database refuses, and goes on with the others', async () => {
    const wrong = await called('Wrong', 'One', clear());
    const other = await called('Other', 'One', clear());
    await User.collection.updateOne(
      { _id: new Types.ObjectId(wrong.id) },
      { $set: { avatarUrl: 7 } as never },
      { bypassDocumentValidation: true },
    );
    const settled = await settleNames({ keyring: both(), encrypted: true }, nothing);
    expect(settled.refused).toMatchObject([{ place: { collection: 'users', record: wrong.id }, code: 121 }]);
    expect(await stored(other.id)).not.toHaveProperty('firstName');
    await User.deleteOne({ _id: wrong.id });
    await settleNames({ keyring: both(), encrypted: false }, nothing);
  });

  it('leaves its images in the journal', expectJournalToAgree);
});
