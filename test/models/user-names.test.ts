import { Types } from 'mongoose';
import { beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { parseKeyring } from '../../src/lib/keyring.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { User } from '../../src/models/user.ts';
import { findUser } from '../../src/models/user-account.ts';
import { importUsers } from '../../src/models/user-import.ts';
import { stateOfUser } from '../../src/models/user-rewind.ts';
import { createWebhook } from '../../src/models/webhook-change.ts';
import { openPayload, WebhookEvent } from '../../src/models/webhook-event.ts';
import { handOutEvent } from '../../src/models/webhook-fan-out.ts';
import { userView } from '../../src/routes/representations.ts';
import { keyOf, useEncryptedNames } from '../helpers/encrypted-names.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, dump, freshEmail, PASSWORD, type Person } from '../helpers/people.ts';
import { sentBy, wrongIn } from '../helpers/query-plans.ts';
import { newTeam } from '../helpers/teams.ts';

const { sealing, clear, admin, stored, called, found } = useEncryptedNames();

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
    expect(await read(admin(), `/v1/admin/users/${ada.id}`)).toMatchObject(names);
    expect((await read(admin(), '/v1/admin/users?limit=100')).items).toContainEqual(expect.objectContaining(names));
    expect((await signInAnswer(ada)).user).toMatchObject(names);
    expect((await read(ada, `${team.url}/members?include=user`)).included.user).toEqual([{ id: ada.id, ...names }]);
    expect((await read(ada, '/v1/users/me/export')).users).toEqual([expect.objectContaining(names)]);
    const options = await ada.call('POST', '/v1/users/me/passkeys/options');
    expect(options.json().user.displayName).toBe('Augusta Lovelace-Byron');
    expect(await dump()).not.toMatch(/augusta|lovelace/i);
  });

  const signInAnswer = async ({ email, password }: Person) =>
    (await call(sealing(), 'POST', '/v1/sessions', { email, password })).json();

  it('are told to endpoints that hear of the account', async () => {
    const { keyring } = sealing().deps;
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
    const joan = await called('Joan', 'Clarke', clear());
    expect(await stored(joan.id)).toMatchObject({ firstName: 'Joan', firstNameKey: 'joan', lastName: 'Clarke' });
    await joan.call('PATCH', '/v1/users/me', { firstName: 'Joan' }, { on: sealing() });
    expect(await stored(joan.id)).not.toHaveProperty('firstName');
    expect(await stored(joan.id)).toMatchObject({ lastName: 'Clarke', lastNameKey: 'clarke' });
    for (const on of [sealing(), clear()])
      expect((await joan.call('GET', '/v1/users/me', undefined, { on })).json()).toMatchObject({
        firstName: 'Joan',
        lastName: 'Clarke',
      });
    await joan.call('PATCH', '/v1/users/me', { firstName: 'Joan', lastName: null }, { on: clear() });
    expect(await stored(joan.id)).toMatchObject({ firstName: 'Joan', firstNameKey: 'joan' });
    expect(await stored(joan.id)).not.toHaveProperty('sealedFirstName');
  });

  it('are imported as they are written', async () => {
    const email = freshEmail();
    const account = { email, profile: { firstName: 'Radia', lastName: 'Perlman' } };
    await transaction((tx) => importUsers(tx, SYSTEM, sealing().deps.names, [account]));
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
    const { firstName: _, lastName: __, ...rest } = userView(sealing().deps.keyring, user);
    const stranger = parseKeyring(keyOf('k-other'));
    expect(userView(stranger, user)).toEqual(rest);
    // So that a name can come back from a backup.
    expect((await stateOfUser(stranger, user._id)).user).not.toHaveProperty('firstName');
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
    emails.push((await called('Horst', 'Zuse', clear())).email);
    emails.push((await called('Horst', 'Zuselmann', clear())).email);
  });

  it('finds whole names in any case, beside those in clear by how they begin, each account once', async () => {
    expect((await found(q)).sort()).toEqual([...emails].sort());
    expect((await found('zUsE')).sort()).toEqual([...emails].sort());
    expect((await found('zus')).sort()).toEqual(emails.slice(3).sort());
    expect(await found('konrad')).toEqual([emails[0], emails[1]].toSorted(() => -1));
    expect(await found(q, sealing(), { status: 'suspended' })).toEqual([]);
    // A hash is no text that begins with anything.
    const { firstNameKey = '' } = (await User.findOne({ email: emails[0] ?? '' }).lean()) ?? {};
    for (const length of [1, 2, 6]) expect(await found(firstNameKey?.slice(0, length) ?? '')).not.toContain(emails[0]);
  });

  it('finds them wherever it is asked, as an instance that writes in clear does', async () => {
    expect((await found(q, clear())).sort()).toEqual([...emails].sort());
  });

  it('takes one case and one spacing for another', async () => {
    const { email } = await called('Karl', 'Weiß Groß');
    for (const written of ['weiß groß', 'WEISS GROSS', ' Weiß  Groß '])
      expect([written, await found(written)]).toEqual([written, [email]]);
  });

  it('goes on behind each of them', async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: Record<string, string> = { q, limit: '1', ...(cursor && { cursor }) };
      const page: { items: { email: string }[]; nextCursor: string | null } = (
        await admin().call('GET', '/v1/admin/users', undefined, { query })
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
