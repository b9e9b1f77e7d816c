// A4: ids of other people's things. Elsewhere a valid id was enough (OWASP API1: broken object level authorisation), or
// 403 told that the thing exists. Here what is not yours is 404, in the very words of what is not there at all.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { resources } from '../../src/collections/index.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Credential } from '../../src/models/credential.ts';
import { Identity } from '../../src/models/identity.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { byIdOfCollections } from '../helpers/collections.ts';
import { Device, enrolPasskey } from '../helpers/factors.ts';
import { ID_OF_NOTHING, operationsOf } from '../helpers/operations.ts';
import { type Person, person, signIn, whoAmI } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let ada: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  [ada, bob, admin] = [await person(here), await person(here), await person(here, { roles: ['admin'] })];
});
afterAll(() => here.close());

/** What a stranger is answered; the id of the request is its own. */
const answer = async (who: Person, id: string, on: TestApp) => {
  const { statusCode, headers, json } = await who.call('DELETE', `/v1/sessions/${id}`, undefined, { on });
  const { requestId: _, ...problem } = json();
  return { statusCode, names: Object.keys(headers).sort(), problem };
};

it('these are the routes by which an account reaches things by id', () => {
  const byId = operationsOf(here).filter(
    ({ name, signedIn }) => signedIn && name.includes('{') && !name.includes('/admin/'),
  );
  // Those of domain collections are tried in a4-documents-of-others.test.ts.
  const generated = byIdOfCollections(resources);
  // A provider is nobody's; an identity is.
  expect(byId.flatMap(({ name }) => (generated.includes(name) ? [] : [name])).sort()).toEqual([
    'DELETE /v1/sessions/{id}',
    'DELETE /v1/users/me/identities/{id}',
    'DELETE /v1/users/me/passkeys/{id}',
    'GET /v1/users/me/passkeys/{id}',
    'PATCH /v1/users/me/passkeys/{id}',
    'POST /v1/teams/{teamId}/leave',
    'POST /v1/teams/{teamId}/transfer',
    'POST /v1/users/me/identities/{provider}/authorize',
  ]);
});

it('a passkey of somebody else is not there, for nobody', async () => {
  const owner = await person(here);
  const { id } = (await enrolPasskey(owner, new Device())).json().passkey;
  const before = await Credential.findById(id).lean();
  for (const stranger of [ada, admin])
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const body = method === 'PATCH' ? { name: 'Mine' } : undefined;
      const [theirs, nothing] = await Promise.all(
        [id, ID_OF_NOTHING].map((each) => stranger.call(method, `/v1/users/me/passkeys/${each}`, body)),
      );
      const { requestId: _, ...problem } = theirs?.json() ?? {};
      const { requestId: __, ...expected } = nothing?.json() ?? {};
      expect(problem).toMatchObject({ status: 404, code: 'not-found' });
      expect(problem).toEqual(expected);
    }
  expect(await Credential.findById(id).lean()).toEqual(before);
});

it('a session of somebody else is not there, for nobody and on no instance', async () => {
  const phone = await signIn(here, bob.email);
  for (const instance of [here, there])
    for (const stranger of [ada, admin]) {
      const refused = await answer(stranger, phone.sessionId, instance);
      expect(refused.statusCode).toBe(404);
      expect(refused).toEqual(await answer(stranger, ID_OF_NOTHING, instance));
    }
  expect((await whoAmI(there, phone.accessToken)).statusCode).toBe(200);
  expect(await AuditEvent.countDocuments({ 'target.id': phone.sessionId, action: 'session.ended' })).toBe(0);
});

it('an identity of somebody else is not there either, and stays', async () => {
  const now = new Date();
  const made = { provider: 'local', subject: 'bob', createdAt: now, lastUsedAt: now };
  const { _id } = await Identity.create({ ...made, userId: bob.id });
  for (const stranger of [ada, admin]) {
    const { requestId: _, ...refused } = (await stranger.call('DELETE', `/v1/users/me/identities/${_id}`)).json();
    const nothing = (await stranger.call('DELETE', `/v1/users/me/identities/${ID_OF_NOTHING}`)).json();
    expect(refused).toMatchObject({ status: 404, code: 'not-found' });
    expect(nothing).toMatchObject(refused);
    expect((await stranger.call('GET', '/v1/users/me/identities')).json().items).toEqual([]);
  }
  expect(await Identity.countDocuments({ _id })).toBe(1);
});

it('ids that look like other things are not there either', async () => {
  for (const id of [bob.id, ada.id]) expect((await answer(ada, id, here)).statusCode).toBe(404);
});

it('lists show the own things alone', async () => {
  const { items } = (await ada.call('GET', '/v1/sessions?limit=100')).json();
  expect(items.map(({ id }: { id: string }) => id)).toEqual([ada.sessionId]);
});

it('what an admin looks for and is not there is 404 on every route by id', async () => {
  for (const { name, method, url, body } of operationsOf(here).filter((each) =>
    each.name.includes('/admin/users/{id}'),
  )) {
    const response = await admin.call(method, url, body);
    expect([response.statusCode, response.json().code], name).toEqual([404, 'not-found']);
  }
});
