import fc from 'fast-check';
import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { toId } from '../../src/models/ids.ts';
import { Membership } from '../../src/models/membership.ts';
import { article, buildCatalogueApp, chore, made, subject } from '../helpers/catalogue.ts';
import { outcome, tally } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';
import { join, memberUrl, newTeam } from '../helpers/teams.ts';

let service: Awaited<ReturnType<typeof buildCatalogueApp>>;
let ada: Person;
let bob: Person;
let team: string;
beforeAll(async () => {
  service = await buildCatalogueApp();
  [ada, bob] = [await person(service), await person(service)];
  ({ id: team } = await newTeam(ada));
});
afterAll(() => service.close());

const errorsOf = (response: { json(): { errors?: { pointer: string; code: string }[] } }) =>
  response.json().errors?.map(({ pointer, code }) => `${pointer} ${code}`);
const eventsOf = (id: string) =>
  AuditEvent.find({ 'target.id': toId(id) })
    .sort({ _id: 1 })
    .lean();

describe('an ETag', () => {
  it('is that of the version, and answers 304 and 412', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const url = `/v1/chores/${id}`;
    const get = (tag: string) => ada.call('GET', url, undefined, { headers: { 'if-none-match': tag } });
    const patch = (tag: string, method: 'PATCH' | 'DELETE' = 'PATCH') =>
      ada.call(method, url, method === 'PATCH' ? { weight: 2 } : undefined, { headers: { 'if-match': tag } });
    expect([(await get('"1"')).statusCode, (await get('W/"1", "9"')).statusCode]).toEqual([304, 304]);
    expect((await get('"2"')).statusCode).toBe(200);
    for (const stale of ['"2"', 'W/"1"', '"x"', '1'])
      expect(outcome(await patch(stale))).toBe('412 precondition-failed');
    expect((await patch('"7", "1"')).headers['etag']).toBe('"2"');
    expect(outcome(await patch('*'))).toBe('200');
    expect(outcome(await patch('"1"', 'DELETE'))).toBe('412 precondition-failed');
    expect(outcome(await patch('"3"', 'DELETE'))).toBe('204');
  });

  it('is of what its reader is shown, and each lets a change through', async () => {
    const own = await newTeam(ada);
    await join(own, bob, 'admin');
    const { id } = await made(ada, '/chores', chore(own.id, { estimate: 3 }));
    const get = (who: Person, tag = '"0"') =>
      who.call('GET', `/v1/chores/${id}`, undefined, { headers: { 'if-none-match': tag } });
    const tagOf = async (who: Person) => String((await get(who)).headers['etag']);
    const [all, some] = [await tagOf(ada), await tagOf(bob)];
    expect(all).not.toBe(some);
    const known = [await get(ada, all), await get(bob, some), await get(ada, some), await get(bob, all)];
    expect(known.map(({ statusCode }) => statusCode)).toEqual([304, 304, 200, 200]);
    const patch = (who: Person, tag: string) =>
      who.call('PATCH', `/v1/chores/${id}`, { weight: 2 }, { headers: { 'if-match': tag } });
    for (const who of [ada, bob]) {
      const changed = await patch(who, await tagOf(who));
      expect([outcome(changed), changed.headers['etag']]).toEqual(['200', await tagOf(who)]);
      for (const stale of [all, some]) expect(outcome(await patch(who, stale))).toBe('412 precondition-failed');
    }
    await ada.call('DELETE', `/v1/chores/${id}`);
    expect((await ada.call('POST', `/v1/chores/${id}/restore`)).headers['etag']).toBe(await tagOf(ada));
    const another = await ada.call('POST', '/v1/chores', chore(own.id, { estimate: 3 }));
    expect(another.headers['etag']).toBe(all);
  });

  it('lets one of two changes win', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const headers = { 'if-match': '"1"' };
    const change = (weight: number) => ada.call('PATCH', `/v1/chores/${id}`, { weight }, { headers });
    expect(tally(await Promise.all([change(2), change(3), change(4)]))).toEqual({
      200: 1,
      '412 precondition-failed': 2,
    });
  });
});

describe('an idempotency key', () => {
  it('makes one document, and is no key to another request or another person', async () => {
    const headers = { 'idempotency-key': 'one' };
    const body = chore(team);
    const post = (who: Person, given: object) => who.call('POST', '/v1/chores', given, { headers });
    const [first, second] = [await post(ada, body), await post(ada, body)];
    expect([second.json().id, second.headers['idempotency-replayed']]).toEqual([first.json().id, 'true']);
    expect(outcome(await post(ada, { ...body, weight: 9 }))).toBe('422 idempotency-key-reused');
    expect(outcome(await post(bob, body))).toBe('404 not-found');
  });
});

describe('a merge patch', () => {
  it('removes by null what is optional, and nothing else', async () => {
    const { id } = await made(ada, '/chores', chore(team, { estimate: 3, kind: 'oil' }));
    const patch = (body: object) => ada.call('PATCH', `/v1/chores/${id}`, body);
    expect((await patch({ estimate: null })).json()).not.toHaveProperty('estimate');
    expect(await mongoose.connection.collection('chores').findOne({ _id: toId(id) })).not.toHaveProperty('estimate');
    for (const [body, error] of [
      [{ title: null }, '/title invalid-type'],
      [{ kind: 'air' }, '/kind unknown-property'],
      [{ createdAt: '2026-01-01T00:00:00Z' }, '/createdAt unknown-property'],
      [{ revision: 9 }, '/revision unknown-property'],
      [{}, ' too-few'],
    ] as const) {
      const answer = await patch(body);
      expect([outcome(answer), errorsOf(answer)]).toEqual(['400 validation-failed', [error]]);
    }
  });
});

describe('what the model refuses', () => {
  it.each([
    [{ name: '  X ' }, '/name too-short'],
    [{ name: 'x'.repeat(41) }, '/name too-long'],
  ])('%j is answered at its place, when it is made and when it is changed', async (body, error) => {
    const { id } = await made(ada, '/subjects', subject());
    for (const answer of [
      await ada.call('POST', '/v1/subjects', subject(body)),
      await ada.call('PATCH', `/v1/subjects/${id}`, body),
    ])
      expect([outcome(answer), errorsOf(answer)]).toEqual(['400 validation-failed', [error]]);
  });

  it('a time that never was', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const body = { dueAt: '2016-12-31T23:59:60Z' };
    for (const answer of [
      await ada.call('POST', '/v1/chores', chore(team, body)),
      await ada.call('PATCH', `/v1/chores/${id}`, body),
    ])
      expect([outcome(answer), errorsOf(answer)]).toEqual(['400 validation-failed', ['/dueAt invalid-type']]);
  });

  it('setters make of it what is stored', async () => {
    const { id, name } = await made(ada, '/subjects', subject({ name: '  LOOMS of York ' }));
    expect(name).toBe('looms of york');
    expect((await ada.call('PATCH', `/v1/subjects/${id}`, { name: ' Looms ' })).json().name).toBe('looms');
  });
});

describe('a value that is unique', () => {
  it('is taken for its owner alone, and that is all that is told', async () => {
    await made(ada, '/subjects', subject({ name: 'steam' }));
    const again = await ada.call('POST', '/v1/subjects', subject({ name: 'Steam' }));
    expect([outcome(again), errorsOf(again)]).toEqual(['409 value-taken', ['/name taken']]);
    expect(again.body).not.toContain('idx_');
    expect(outcome(await bob.call('POST', '/v1/subjects', subject({ name: 'steam' })))).toBe('201');
    const { id } = await made(ada, '/subjects', subject());
    expect(outcome(await ada.call('PATCH', `/v1/subjects/${id}`, { name: 'steam' }))).toBe('409 value-taken');
  });

  it('goes to one of many at once', async () => {
    const body = subject({ name: 'race' });
    const answers = await Promise.all(Array.from({ length: 4 }, () => ada.call('POST', '/v1/subjects', body)));
    expect(tally(answers)).toEqual({ 201: 1, '409 value-taken': 3 });
  });
});

describe('a reference', () => {
  it('to what is not there, not theirs or deleted is refused in the same words', async () => {
    const { id: foreign } = await newTeam(bob);
    const theirs = await made(bob, '/chores', chore(foreign));
    const gone = await made(ada, '/chores', chore(team));
    await ada.call('DELETE', `/v1/chores/${gone.id}`);
    const { id } = await made(ada, '/chores', chore(team));
    for (const parentId of [theirs.id, gone.id, 'f'.repeat(24)])
      for (const answer of [
        await ada.call('POST', '/v1/chores', chore(team, { parentId })),
        await ada.call('PATCH', `/v1/chores/${id}`, { parentId }),
      ]) {
        expect([outcome(answer), errorsOf(answer)]).toEqual(['400 validation-failed', ['/parentId not-found']]);
        expect(answer.json().errors[0].detail).toBe('names nothing that is there, or nothing of yours');
      }
  });

  it('does not outlive what is deleted beside it', async () => {
    const parent = await made(ada, '/chores', chore(team));
    const [answer, deletion] = await Promise.all([
      ada.call('POST', '/v1/chores', chore(team, { parentId: parent.id })),
      ada.call('DELETE', `/v1/chores/${parent.id}`),
    ]);
    expect(deletion.statusCode).toBe(204);
    expect(['201', '400 validation-failed']).toContain(outcome(answer));
  });
});

describe('a membership that ends', () => {
  it('beside a new document leaves none that was made after it', async () => {
    const own = await newTeam(ada);
    await join(own, bob, 'admin');
    const url = await memberUrl(ada, own, bob);
    const posts = Array.from({ length: 4 }, () => bob.call('POST', '/v1/chores', chore(own.id)));
    const [removal, ...answers] = await Promise.all([ada.call('DELETE', url), ...posts]);
    expect(removal.statusCode).toBe(204);
    for (const answer of answers) expect(['201', '404 not-found', '503 unavailable']).toContain(outcome(answer));
    expect(await Membership.countDocuments({ teamId: toId(own.id), userId: toId(bob.id) })).toBe(0);
    const before = await mongoose.connection.collection('chores').countDocuments({ groupId: toId(own.id) });
    expect(outcome(await bob.call('POST', '/v1/chores', chore(own.id)))).toBe('404 not-found');
    expect(await mongoose.connection.collection('chores').countDocuments({ groupId: toId(own.id) })).toBe(before);
  });
});

describe('deletion', () => {
  it('is for good where the collection says so', async () => {
    const url = `/v1/teams/${team}/rooms`;
    const { id } = (await ada.call('POST', url, { name: 'Attic' })).json();
    expect(outcome(await ada.call('DELETE', `${url}/${id}`))).toBe('204');
    expect(await mongoose.connection.collection('rooms').countDocuments({ _id: toId(id) })).toBe(0);
    expect((await eventsOf(id)).map(({ action }) => action)).toEqual(['document.created', 'document.deleted']);
  });

  it('can be taken back until its time is over', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const restore = () => ada.call('POST', `/v1/chores/${id}/restore`);
    expect(outcome(await restore())).toBe('404 not-found');
    await ada.call('DELETE', `/v1/chores/${id}`);
    expect(outcome(await ada.call('PATCH', `/v1/chores/${id}`, { weight: 1 }))).toBe('404 not-found');
    const { items } = (await ada.call('GET', `/v1/chores?groupId=${team}&deleted=true`)).json();
    expect(items.find((item: { id: string }) => item.id === id)).toHaveProperty('purgeAt');
    await mongoose.connection.collection('chores').updateOne({ _id: toId(id) }, { $set: { purgeAt: new Date() } });
    expect(outcome(await restore())).toBe('409 restore-period-over');
  });
});

describe('a step of the model', () => {
  it('that throws undoes the change with its record', async () => {
    const { id, title } = await made(ada, '/chores', chore(team));
    expect(outcome(await ada.call('PATCH', `/v1/chores/${id}`, { title: 'refused' }))).toBe('409 last-owner');
    expect((await ada.call('GET', `/v1/chores/${id}`)).json()).toMatchObject({ title });
    expect((await eventsOf(id)).map(({ action }) => action)).toEqual(['document.created']);
  });
});

describe('plain Fastify', () => {
  it('adds hooks, handlers, limits and routes', async () => {
    const { id } = await made(ada, '/chores', chore(team));
    const changed = await ada.call('PATCH', `/v1/chores/${id}`, { weight: 3 });
    expect(changed.headers).toMatchObject({ 'x-hook': 'ran', 'ratelimit-policy': expect.stringContaining('chores') });
    expect((await ada.call('GET', `/v1/teams/${team}/rooms/${'f'.repeat(24)}`)).json()).toMatchObject({ name: 'own' });
    expect((await ada.call('GET', '/v1/rooms-beside')).json()).toEqual({ beside: true });
    expect(outcome(await ada.call('GET', '/v1/rooms-beside', undefined, { headers: { authorization: '' } }))).toMatch(
      /401/,
    );
  });
});

it('the audit trail says of each change what happened', async () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant('change' as const), rank: fc.integer({ min: -5, max: 50 }), stale: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('delete' as const, 'restore' as const) }),
    fc.record({ kind: fc.constant('foreign' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 8 }), async (acts) => {
      const { id } = await made(ada, '/articles', article());
      const url = `/v1/articles/${id}`;
      const expected = [['document.created', undefined]];
      for (const each of acts) {
        const { kind } = each;
        const headers = kind === 'change' && each.stale ? { 'if-match': '"0"' } : {};
        const patch = kind === 'change' ? { rank: each.rank, title: 'New' } : { rank: 0 };
        const answer =
          kind === 'delete'
            ? await ada.call('DELETE', url)
            : kind === 'restore'
              ? await ada.call('POST', `${url}/restore`)
              : await (kind === 'foreign' ? bob : ada).call('PATCH', url, patch, { headers });
        if (answer.statusCode >= 400) continue;
        expect(kind).not.toBe('foreign');
        const said = kind === 'change' ? 'rank,title' : undefined;
        expected.push([`document.${kind === 'change' ? 'updated' : `${kind}d`}`, said]);
      }
      const events = await eventsOf(id);
      expect(events.map(({ action, changes }) => [action, changes?.join()])).toEqual(expected);
      expect(new Set(events.map(({ actor }) => String(actor.id)))).toEqual(new Set([ada.id]));
      const stored = await mongoose.connection.collection('articles').findOne({ _id: toId(id) });
      expect(stored?.['revision']).toBe(expected.length);
    }),
    { numRuns: 12 },
  );
});

it('the OpenAPI document declares all that was answered here', () => {
  expect(service.undeclared()).toEqual([]);
});
