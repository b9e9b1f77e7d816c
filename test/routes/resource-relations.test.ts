import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/lib/cursor.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { MAX_LINKS } from '../../src/models/document-include.ts';
import { toId } from '../../src/models/ids.ts';
import { article, buildCatalogueApp, made, subject } from '../helpers/catalogue.ts';
import { commandsOf } from '../helpers/commands.ts';
import { outcome, tally } from '../helpers/parallel.ts';
import { call, type Person, person } from '../helpers/people.ts';

let service: Awaited<ReturnType<typeof buildCatalogueApp>>;
let ada: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  service = await buildCatalogueApp();
  [ada, bob, admin] = [await person(service), await person(service), await person(service, { roles: ['admin'] })];
});
afterAll(() => service.close());

const nobody = (method: 'GET', url: string) => call(service, method, url);
const link = (who: Person, from: string, to: string, body: object = {}) =>
  who.call('PUT', `/v1/articles/${from}/subjects/${to}`, body);
const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);

describe('include', () => {
  it('gives each of the others once, and none that is hidden', async () => {
    const [open, closed, gone] = [
      await made(ada, '/subjects', subject()),
      await made(ada, '/subjects', subject()),
      await made(ada, '/subjects', subject()),
    ];
    const articles = [await made(ada, '/articles', article()), await made(ada, '/articles', article())];
    for (const { id } of articles)
      for (const other of [open, closed, gone]) expect(outcome(await link(ada, id, other.id))).toBe('200');
    await ada.call('PATCH', `/v1/subjects/${closed.id}`, { open: false });
    await ada.call('DELETE', `/v1/subjects/${gone.id}`);
    const page = (await bob.call('GET', '/v1/articles?include=subjects,author,subjects&limit=2')).json();
    expect(idsOf(page.items)).toEqual(idsOf(articles).reverse());
    for (const { subjects } of page.items) expect(subjects).toEqual([{ id: open.id }]);
    expect(idsOf(page.included.subjects)).toEqual([open.id]);
    expect(idsOf(page.included.author)).toEqual([ada.id]);
    // Subjects are for accounts; what else is included, everybody sees.
    const read = (await nobody('GET', `/v1/articles/${articles[0]?.id}?include=subjects,author`)).json();
    expect(read).toMatchObject({ subjects: [], included: { subjects: [], author: [{ id: ada.id }] } });
  });

  it('shows no field that its own rule hides, and follows no reference that is hidden', async () => {
    const { id: about, memo } = await made(ada, '/subjects', subject({ memo: 'mine' }));
    expect(memo).toBe('mine');
    const { id } = await made(ada, '/articles', article({ reviewerId: bob.id }));
    await link(ada, id, about);
    const asSeenBy = async (who: Person) => {
      const { included } = (await who.call('GET', `/v1/articles/${id}?include=subjects`)).json();
      const { items } = (await who.call('GET', `/v1/articles/${id}/subjects`)).json();
      return [included.subjects[0].memo, items[0].memo];
    };
    expect([await asSeenBy(ada), await asSeenBy(bob)]).toEqual([
      ['mine', 'mine'],
      [undefined, undefined],
    ]);
    expect(outcome(await ada.call('GET', `/v1/articles/${id}?include=reviewer`))).toBe('400 validation-failed');
    expect((await ada.call('GET', `/v1/articles/${id}`)).json()).not.toHaveProperty('reviewerId');
    expect((await admin.call('GET', `/v1/admin/articles/${id}`)).json()).toMatchObject({ reviewerId: bob.id });
  });

  it('of what is no relation is refused', async () => {
    for (const include of ['userId', 'subjects,', '', 'author,secrets', '__proto__'])
      expect(outcome(await ada.call('GET', `/v1/articles?include=${include}`))).toBe('400 validation-failed');
    expect(outcome(await ada.call('GET', '/v1/subjects?include=author'))).toBe('400 validation-failed');
  });

  it('costs a query for each relation, however many documents there are', async () => {
    const { id: about } = await made(ada, '/subjects', subject());
    for (let n = 0; n < 5; n += 1) await link(ada, (await made(ada, '/articles', article())).id, about);
    for (const limit of [1, 5])
      expect(await commandsOf(() => ada.call('GET', `/v1/articles?include=author,subjects&limit=${limit}`))).toEqual([
        'find sessions',
        'find articles',
        'find users',
        'aggregate article_subjects',
      ]);
  });
});

describe('links', () => {
  it('are made by whoever may change the one, to what they see of the other', async () => {
    const [mine, theirs, closed] = [
      await made(ada, '/subjects', subject()),
      await made(bob, '/subjects', subject()),
      await made(ada, '/subjects', subject({ open: false })),
    ];
    const { id } = await made(ada, '/articles', article());
    const hidden = await made(ada, '/articles', article({ published: false }));
    const rows: [Person, string, string, string][] = [
      [ada, id, theirs.id, '200'],
      [ada, hidden.id, mine.id, '200'],
      [ada, id, closed.id, '404 not-found'],
      [ada, id, 'f'.repeat(24), '404 not-found'],
      [bob, id, theirs.id, '403 forbidden'],
      [bob, hidden.id, theirs.id, '404 not-found'],
      [bob, 'f'.repeat(24), theirs.id, '404 not-found'],
    ];
    for (const [who, from, to, expected] of rows) expect(outcome(await link(who, from, to))).toBe(expected);
    const unlink = (who: Person, from: string) => who.call('DELETE', `/v1/articles/${from}/subjects/${theirs.id}`);
    expect(outcome(await unlink(bob, id))).toBe('403 forbidden');
    expect(outcome(await unlink(bob, hidden.id))).toBe('404 not-found');
    for (let time = 0; time < 2; time += 1) expect(outcome(await unlink(ada, id))).toBe('204');
    await ada.call('DELETE', `/v1/articles/${id}`);
    for (const answer of [
      await link(ada, id, mine.id),
      await unlink(ada, id),
      await nobody('GET', `/v1/articles/${id}/subjects`),
    ])
      expect(outcome(answer)).toBe('404 not-found');
  });

  it('put twice are one, which says what was said last; the trail tells what', async () => {
    const { id: about } = await made(ada, '/subjects', subject());
    const { id } = await made(ada, '/articles', article());
    const since = '2026-01-01T00:00:00.000Z';
    expect((await link(ada, id, about, { word: 'yes' })).json()).toEqual({ id: about, word: 'yes' });
    expect((await link(ada, id, about, { since })).json()).toEqual({ id: about, word: 'yes', since });
    expect((await ada.call('GET', `/v1/articles/${id}?include=subjects`)).json().subjects).toEqual([
      { id: about, word: 'yes', since },
    ]);
    const stored = await mongoose.connection
      .collection('article_subjects')
      .find({ articleId: toId(id) })
      .toArray();
    expect(stored).toHaveLength(1);
    const events = await AuditEvent.find({ 'target.id': toId(String(stored[0]?._id)) })
      .sort({ _id: 1 })
      .lean();
    expect(events.map(({ action, changes }) => [action, changes])).toEqual([
      ['document.created', ['subjectId']],
      ['document.updated', ['since']],
    ]);
  });

  it('at once are one', async () => {
    const { id: about } = await made(ada, '/subjects', subject());
    const { id } = await made(ada, '/articles', article());
    const puts = Array.from({ length: 3 }, (_, n) => link(ada, id, about, { word: String(n) }));
    expect(tally(await Promise.all(puts))).toEqual({ 200: 3 });
    expect(await mongoose.connection.collection('article_subjects').countDocuments({ articleId: toId(id) })).toBe(1);
  });

  it('that their model refuses are answered at the place', async () => {
    const { id: about } = await made(ada, '/subjects', subject());
    const { id } = await made(ada, '/articles', article());
    for (let time = 0; time < 2; time += 1) {
      const answer = await link(ada, id, about, { word: 'no' });
      expect(outcome(answer)).toBe('400 validation-failed');
      expect(answer.json().errors).toMatchObject([{ pointer: '/word', code: 'not-allowed' }]);
      expect(outcome(await link(ada, id, about, { word: 'so' }))).toBe('200');
    }
  });

  it('are no more than so many', async () => {
    const { id: about } = await made(ada, '/subjects', subject());
    const { id } = await made(ada, '/articles', article());
    const articleId = toId(id);
    const many = Array.from({ length: MAX_LINKS }, () => ({
      articleId,
      subjectId: new mongoose.Types.ObjectId(),
      createdAt: new Date(),
    }));
    await mongoose.connection.collection('article_subjects').insertMany(many);
    expect(outcome(await link(ada, id, about))).toBe('409 too-many-links');
  });
});

describe('a list through a relation', () => {
  it('is paged, and says nothing of what is hidden at either end', async () => {
    const [about, closed] = [await made(ada, '/subjects', subject()), await made(ada, '/subjects', subject())];
    const all: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      const { id } = await made(ada, '/articles', article({ published: n % 3 !== 1 }));
      for (const { id: to } of [about, closed]) await link(ada, id, to);
      if (n % 3 !== 1) all.unshift(id);
    }
    const found: string[] = [];
    for (let cursor = ''; ; ) {
      const page = (await bob.call('GET', `/v1/articles?subjectId=${about.id}&limit=1${cursor}`)).json();
      found.push(...idsOf(page.items));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(found).toEqual(all);
    const through = (to: string) => bob.call('GET', `/v1/articles?subjectId=${to}`);
    expect((await through(closed.id)).json().items).toHaveLength(all.length);
    await ada.call('PATCH', `/v1/subjects/${closed.id}`, { open: false });
    for (const to of [closed.id, 'f'.repeat(24)])
      expect((await through(to)).json()).toEqual({ items: [], nextCursor: null });
    expect((await nobody('GET', `/v1/articles?subjectId=${about.id}`)).json().items).toEqual([]);
    for (const more of ['total=true', 'sort=rank'])
      expect(outcome(await bob.call('GET', `/v1/articles?subjectId=${about.id}&${more}`))).toBe('400 unsupported-sort');
  });

  it('from the one side is that of what is linked, a page at a time', async () => {
    const { id } = await made(ada, '/articles', article());
    const subjects = [await made(ada, '/subjects', subject()), await made(ada, '/subjects', subject())];
    for (const { id: to } of subjects) await link(ada, id, to);
    const first = (await bob.call('GET', `/v1/articles/${id}/subjects?limit=1`)).json();
    const second = (await bob.call('GET', `/v1/articles/${id}/subjects?limit=1&cursor=${first.nextCursor}`)).json();
    expect([...idsOf(first.items), ...idsOf(second.items)]).toEqual(idsOf(subjects).reverse());
    expect(second.nextCursor).toBeNull();
    expect((await nobody('GET', `/v1/articles/${id}/subjects`)).json().items).toEqual([]);
  });
});

describe('a cursor of links', () => {
  const decoded = (cursor: string) => Buffer.from(cursor, 'base64url').toString('latin1');

  it('names none of what is linked, which may be hidden, and works for its own list alone', async () => {
    const about = await made(ada, '/subjects', subject());
    const articles = [await made(ada, '/articles', article()), await made(ada, '/articles', article())];
    const others = [about, await made(ada, '/subjects', subject())];
    for (const { id } of articles) for (const { id: to } of others) await link(ada, id, to);
    await ada.call('PATCH', `/v1/subjects/${others[1]?.id}`, { open: false });
    const [first, second] = idsOf(articles);
    for (const [url, elsewhere] of [
      [`/v1/articles?subjectId=${about.id}`, `/v1/articles?subjectId=${others[1]?.id}`],
      [`/v1/articles/${first}/subjects?`, `/v1/articles/${second}/subjects?`],
    ] as const) {
      const { nextCursor } = (await bob.call('GET', `${url}&limit=1`)).json();
      for (const id of [...idsOf(articles), ...idsOf(others)]) expect(decoded(nextCursor)).not.toContain(id);
      expect(outcome(await bob.call('GET', `${url}&cursor=${nextCursor}`))).toBe('200');
      expect(outcome(await bob.call('GET', `${elsewhere}&cursor=${nextCursor}`))).toBe('400 invalid-cursor');
    }
  });

  it('that somebody made by hand is refused', async () => {
    const { id } = await made(ada, '/articles', article());
    for (const key of ['', 'f'.repeat(24), 'v1.x.y', new Date(0)]) {
      const cursor = encodeCursor({ key, id: 'f'.repeat(24) }, `articles:subjects:${JSON.stringify([['id', id]])}`);
      const answer = await bob.call('GET', `/v1/articles/${id}/subjects?cursor=${cursor}`);
      expect(outcome(answer), String(key)).toBe('400 invalid-cursor');
    }
  });
});

it('the OpenAPI document declares all that was answered here', () => {
  expect(service.undeclared()).toEqual([]);
});
