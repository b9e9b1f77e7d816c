import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toId } from '../../src/models/ids.ts';
import { type ApiKeyCaller, apiKeyOf } from '../helpers/api-keys.ts';
import { article, buildCatalogueApp, chore, made, subject } from '../helpers/catalogue.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, type Person, person } from '../helpers/people.ts';
import { join, memberUrl, newTeam } from '../helpers/teams.ts';

let service: Awaited<ReturnType<typeof buildCatalogueApp>>;
let ada: Person;
let bob: Person;
let mia: Person;
let eve: Person;
let admin: Person;
let support: Person;
let team: string;
let other: string;
beforeAll(async () => {
  service = await buildCatalogueApp();
  [ada, bob, mia, eve] = [await person(service), await person(service), await person(service), await person(service)];
  [admin, support] = [await person(service, { roles: ['admin'] }), await person(service, { roles: ['support'] })];
  const [first, second] = [await newTeam(ada), await newTeam(mia)];
  await join(first, bob, 'admin');
  await join(first, mia);
  [team, other] = [first.id, second.id];
});
afterAll(() => service.close());

const nobody = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object) =>
  call(service, method, url, body);
const stored = (collection: string, id: string) =>
  mongoose.connection.collection(collection).findOne({ _id: toId(id) });

describe('everyone', () => {
  it('sees what the rule lets all see, without a session, and nothing else', async () => {
    const [shown, hidden] = [
      await made(ada, '/articles', article()),
      await made(ada, '/articles', article({ published: false })),
    ];
    expect((await nobody('GET', `/v1/articles/${shown.id}`)).json()).toMatchObject({ id: shown.id });
    expect(outcome(await nobody('GET', `/v1/articles/${hidden.id}`))).toBe('404 not-found');
    const ids = (await nobody('GET', '/v1/articles?limit=100')).json().items.map(({ id }: { id: string }) => id);
    expect(ids).toContain(shown.id);
    expect(ids).not.toContain(hidden.id);
  });

  it('has to be who they say they are, and sees no deleted ones', async () => {
    const headers = { authorization: 'Bearer a.b.c' };
    expect(outcome(await call(service, 'GET', '/v1/articles', undefined, { headers }))).toBe('401 invalid-token');
    expect(outcome(await nobody('GET', '/v1/articles?deleted=true'))).toBe('400 validation-failed');
    const { id } = await made(ada, '/articles', article());
    await ada.call('DELETE', `/v1/articles/${id}`);
    expect(outcome(await nobody('GET', `/v1/articles/${id}`))).toBe('404 not-found');
  });

  it('of the documents that are shown, only the owner may change one', async () => {
    const { id } = await made(ada, '/articles', article());
    expect(outcome(await bob.call('PATCH', `/v1/articles/${id}`, { title: 'Mine' }))).toBe('403 forbidden');
    expect(outcome(await bob.call('DELETE', `/v1/articles/${id}`))).toBe('403 forbidden');
    expect(outcome(await nobody('PATCH', `/v1/articles/${id}`, { title: 'Mine' }))).toBe('401 unauthenticated');
    const hidden = await made(ada, '/articles', article({ published: false }));
    expect(outcome(await bob.call('PATCH', `/v1/articles/${hidden.id}`, { title: 'Mine' }))).toBe('404 not-found');
  });
});

describe('an owner', () => {
  it('is whoever makes it, and gives it to nobody', async () => {
    const body = { ...subject(), userId: bob.id };
    expect(outcome(await ada.call('POST', '/v1/subjects', body))).toBe('400 validation-failed');
    const { id } = await made(ada, '/subjects', subject());
    expect(outcome(await ada.call('PATCH', `/v1/subjects/${id}`, { userId: bob.id }))).toBe('400 validation-failed');
    expect(String((await stored('subjects', id))?.['userId'])).toBe(ada.id);
  });
});

describe('a role of a team', () => {
  it('decides who lists, reads, makes, changes and deletes', async () => {
    const { id } = await made(bob, '/chores', chore(team));
    const rows: [Person, ...string[]][] = [
      [ada, '200', '200', '201', '200', '200'],
      [bob, '200', '200', '201', '200', '403 forbidden'],
      [mia, '200', '200', '403 forbidden', '403 forbidden', '403 forbidden'],
      [eve, '404 not-found', '404 not-found', '404 not-found', '404 not-found', '404 not-found'],
    ];
    for (const [who, ...expected] of rows) {
      const answers = [
        await who.call('GET', `/v1/chores?groupId=${team}`),
        await who.call('GET', `/v1/chores/${id}`),
        await who.call('POST', '/v1/chores', chore(team)),
        await who.call('PATCH', `/v1/chores/${id}`, { weight: 2 }),
        await who.call('GET', `/v1/chores?groupId=${team}&deleted=true`),
      ];
      expect(answers.map(outcome)).toEqual(expected);
    }
    expect(outcome(await mia.call('DELETE', `/v1/chores/${id}`))).toBe('403 forbidden');
    expect(outcome(await eve.call('DELETE', `/v1/chores/${id}`))).toBe('404 not-found');
  });

  it('of another team lets nobody move a document there', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const moved = await ada.call('PATCH', `/v1/chores/${id}`, { groupId: other });
    const nowhere = await ada.call('PATCH', `/v1/chores/${id}`, { groupId: 'f'.repeat(24) });
    expect(outcome(moved)).toBe('400 validation-failed');
    expect(moved.json().errors).toEqual(nowhere.json().errors);
    // A member there, in no role that makes any.
    const mine = await made(mia, '/chores', chore(other));
    expect(outcome(await mia.call('PATCH', `/v1/chores/${mine.id}`, { groupId: team }))).toBe('400 validation-failed');
    const own = await newTeam(mia);
    expect((await mia.call('PATCH', `/v1/chores/${mine.id}`, { groupId: own.id })).json()).toMatchObject({
      groupId: own.id,
    });
  });

  it('that does not delete, or does not see all of it, moves nothing out; naming the same team is no move', async () => {
    const own = await newTeam(bob);
    const { id } = await made(ada, '/chores', chore(team, { estimate: 3 }));
    const move = (groupId: string) => bob.call('PATCH', `/v1/chores/${id}`, { groupId, weight: 4 });
    expect(outcome(await move(own.id))).toBe('403 forbidden');
    expect((await move(team)).json()).toMatchObject({ groupId: team, weight: 4 });
    expect(String((await stored('chores', id))?.['groupId'])).toBe(team);
  });

  it('takes no field along that it may not write there', async () => {
    const own = await newTeam(mia);
    await join(own, bob, 'owner');
    await join(own, ada, 'admin');
    const { id } = await made(ada, '/chores', chore(team, { estimate: 3 }));
    const move = (body: object) => ada.call('PATCH', `/v1/chores/${id}`, { groupId: own.id, ...body });
    expect(outcome(await move({}))).toBe('403 forbidden');
    expect(outcome(await ada.call('PATCH', `/v1/chores/${id}`, { estimate: null }))).toBe('200');
    expect(outcome(await move({ estimate: 5 }))).toBe('403 forbidden');
    expect(String((await stored('chores', id))?.['groupId'])).toBe(team);
    expect(outcome(await move({}))).toBe('200');
    await memberUrl(mia, own, ada, 'owner');
    const other = await made(ada, '/chores', chore(team, { estimate: 3 }));
    const moved = await ada.call('PATCH', `/v1/chores/${other.id}`, { groupId: own.id });
    expect(moved.json()).toMatchObject({ groupId: own.id, estimate: 3 });
  });

  it('is asked for the team that a request names', async () => {
    expect((await ada.call('GET', '/v1/chores')).json().errors).toMatchObject([{ pointer: '?groupId' }]);
    const { groupId: _, ...body } = chore(team);
    expect((await ada.call('POST', '/v1/chores', body)).json().errors).toMatchObject([{ pointer: '/groupId' }]);
  });

  it('decides below the team of a URL alike', async () => {
    const url = `/v1/teams/${team}/rooms`;
    expect(outcome(await bob.call('POST', url, { name: 'Attic' }))).toBe('201');
    expect(outcome(await mia.call('POST', url, { name: 'Attic' }))).toBe('403 forbidden');
    expect(outcome(await eve.call('POST', url, { name: 'Attic' }))).toBe('404 not-found');
    const { id } = (await ada.call('GET', url)).json().items[0];
    // Its owner reaches it by the URL of its own team alone.
    const elsewhere = `/v1/teams/${other}/rooms/${id}`;
    expect(outcome(await mia.call('PATCH', elsewhere, { name: 'Mine' }))).toBe('404 not-found');
    expect(outcome(await bob.call('POST', url, { name: 'X', teamId: other }))).toBe('400 validation-failed');
  });
});

describe('what the rule says of a new document', () => {
  it('is not its maker’s to say, and what a URL names has to be there for them', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const url = `/v1/chores/${id}/remarks`;
    expect(outcome(await ada.call('POST', url, { text: 'x', state: 'seen' }))).toBe('400 validation-failed');
    expect((await ada.call('POST', url, { text: 'x' })).json()).toMatchObject({ choreId: id, state: 'new' });
    expect(outcome(await eve.call('POST', url, { text: 'x' }))).toBe('404 not-found');
    expect(outcome(await ada.call('POST', `/v1/chores/${'f'.repeat(24)}/remarks`, { text: 'x' }))).toBe(
      '404 not-found',
    );
  });
});

describe('a field that only some may read', () => {
  it('by ownership is shown to the owner among all who read the document', async () => {
    const own = await made(ada, '/articles', article({ fee: '12.50' }));
    expect(own).toMatchObject({ fee: '12.50' });
    const foreign = await made(bob, '/articles', article({ fee: '7' }));
    const { items } = (await ada.call('GET', '/v1/articles?limit=100')).json();
    const fees = Object.fromEntries(items.map(({ id, fee }: Record<string, string>) => [id, fee]));
    expect([fees[own.id], fees[foreign.id]]).toEqual(['12.50', undefined]);
    expect((await ada.call('GET', `/v1/articles/${own.id}`)).json()).toMatchObject({ fee: '12.50' });
    for (const who of [bob.call, nobody])
      expect((await who('GET', `/v1/articles/${own.id}`)).json()).not.toHaveProperty('fee');
  });

  it('by what the document is like is shown in those that are, to everyone', async () => {
    const shown = await made(ada, '/articles', article({ contact: 'ada', listed: true }));
    const hidden = await made(ada, '/articles', article({ contact: 'ada' }));
    expect((await nobody('GET', `/v1/articles/${shown.id}`)).json()).toMatchObject({ contact: 'ada' });
    for (const answer of [
      await nobody('GET', `/v1/articles/${hidden.id}`),
      await ada.call('GET', `/v1/articles/${hidden.id}`),
    ])
      expect(answer.json()).not.toHaveProperty('contact');
    expect(hidden).not.toHaveProperty('contact');
    const now = await ada.call('PATCH', `/v1/articles/${hidden.id}`, { listed: true });
    expect(now.json()).toMatchObject({ contact: 'ada' });
  });

  it('by a role in a team is shown in the documents of those teams', async () => {
    const { id } = await made(ada, '/chores', chore(team, { estimate: 3 }));
    const seen = async (who: Person) => (await who.call('GET', `/v1/chores/${id}`)).json().estimate;
    expect([await seen(ada), await seen(bob), await seen(mia)]).toEqual([3, undefined, undefined]);
    // An owner elsewhere, and a member here.
    const { items } = (await mia.call('GET', `/v1/chores?groupId=${team}&limit=100`)).json();
    expect(items.filter((item: object) => 'estimate' in item)).toEqual([]);
    const changed = await bob.call('PATCH', `/v1/chores/${id}`, { weight: 5 });
    expect(changed.json()).not.toHaveProperty('estimate');
    await ada.call('DELETE', `/v1/chores/${id}`);
    expect((await ada.call('POST', `/v1/chores/${id}/restore`)).json()).toMatchObject({ estimate: 3 });
  });

  it('by a permission is shown in administration to whoever has that, too', async () => {
    const { id } = await made(ada, '/articles', article({ fee: '3' }));
    await admin.call('PATCH', `/v1/admin/articles/${id}`, { verdict: 'good' });
    const keys: [ApiKeyCaller, boolean][] = [
      [await apiKeyOf(service, admin, ['users:read']), false],
      [await apiKeyOf(service, admin, ['users:read', 'collections:read']), true],
    ];
    for (const [key, shown] of keys) {
      const { items } = (await key.call('GET', '/v1/admin/articles?limit=100')).json();
      const listed = items.find((item: { id: string }) => item.id === id);
      for (const view of [(await key.call('GET', `/v1/admin/articles/${id}`)).json(), listed]) {
        expect(view).toMatchObject({ fee: '3' });
        expect('verdict' in view).toBe(shown);
      }
    }
    expect((await support.call('GET', `/v1/admin/articles/${id}`)).json()).not.toHaveProperty('verdict');
    expect((await ada.call('GET', `/v1/articles/${id}`)).json()).not.toHaveProperty('verdict');
  });
});

describe('a field that only some may write', () => {
  it('is refused to members who see the document, and strangers hear of nothing', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const change = (who: Person) => who.call('PATCH', `/v1/chores/${id}`, { estimate: 9 });
    expect([outcome(await change(bob)), outcome(await change(eve))]).toEqual(['403 forbidden', '404 not-found']);
    expect(outcome(await change(ada))).toBe('200');
    // An owner of another team is none of this one.
    expect(outcome(await mia.call('PATCH', `/v1/chores/${id}`, { estimate: 1 }))).toBe('403 forbidden');
    expect((await stored('chores', id))?.['estimate']).toBe(9);
    const own = await newTeam(bob);
    expect((await made(bob, '/chores', chore(own.id, { estimate: 1 })))['estimate']).toBe(1);
    expect(outcome(await bob.call('POST', '/v1/chores', chore(team, { estimate: 1 })))).toBe('403 forbidden');
  });

  it('asks the same of a new document', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const url = `/v1/chores/${id}/remarks`;
    expect(outcome(await ada.call('POST', url, { text: 'x', pinned: true }))).toBe('403 forbidden');
    expect(await mongoose.connection.collection('chore_remarks').countDocuments({ choreId: toId(id) })).toBe(0);
  });

  it('asks for its permission, where the route asks for another', async () => {
    const { id } = await made(ada, '/articles', article());
    const key = await apiKeyOf(service, admin, ['users:write']);
    const url = `/v1/admin/articles/${id}`;
    expect(outcome(await key.call('PATCH', url, { title: 'New' }))).toBe('200');
    expect(outcome(await key.call('PATCH', url, { title: 'Newer', verdict: 'bad' }))).toBe('403 forbidden');
    expect(await stored('articles', id)).toMatchObject({ title: 'New' });
    expect(outcome(await ada.call('PATCH', `/v1/articles/${id}`, { verdict: 'x' }))).toBe('400 validation-failed');
  });

  it('of a role is for whoever has the role, and for no API key', async () => {
    const { id } = await made(ada, '/articles', article());
    const key = await apiKeyOf(service, admin, ['users:read', 'users:write', 'collections:write']);
    const url = `/v1/admin/articles/${id}`;
    expect([outcome(await key.call('DELETE', url)), outcome(await support.call('DELETE', url))]).toEqual([
      '403 forbidden',
      '403 forbidden',
    ]);
    expect(outcome(await admin.call('DELETE', url))).toBe('204');
    // What administration reads although it is deleted says that it is.
    expect((await admin.call('GET', url)).json()).toHaveProperty('deletedAt');
  });
});

it('the OpenAPI document declares all that was answered here', () => {
  expect(service.undeclared()).toEqual([]);
});
