// I4: filtering or sorting a list by a field that it does not show. Elsewhere `filter[password][startsWith]=a`, or an
// order by a reset token, let a reader guess hidden values letter by letter from which records came, in which order, or
// how many. Here a list takes its listed filters and sorts only, and nothing hidden moves its order or its count.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { collections, resources } from '../../src/collections/index.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listsOfCollections, sortsOfCollections } from '../helpers/collections.ts';
import { attempt, type Operation, operationsOf } from '../helpers/operations.ts';
import { freshEmail, type Person, person } from '../helpers/people.ts';

// Each list is asked for each stored path.
vi.setConfig({ testTimeout: 60_000 });

const STATUS_REASON = 'reported by a neighbour';

let service: TestApp;
let admin: Person;
let support: Person;
let lists: Operation[];
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  support = await person(service, { roles: ['support'] });
  lists = operationsOf(service).filter(({ queryParameters }) => queryParameters.includes('cursor'));
  const at = new Date('2025-01-01');
  await User.insertMany(
    Array.from({ length: 6 }, (_, n) => ({
      email: freshEmail('hidden'),
      firstName: 'Ann',
      firstNameKey: 'ann',
      status: n % 3 === 2 ? 'suspended' : 'active',
      ...(n % 3 === 2 && { statusReason: STATUS_REASON }),
      emailVerified: n % 2 === 0,
      createdAt: at,
      updatedAt: at,
    })),
    { timestamps: false },
  );
});
afterAll(() => service.close());

/** The stored paths of all collections: of a list, all but the few it offers are none of its reader's business. */
const paths = [
  ...new Set(
    collections.flatMap((collection) => [
      ...Object.keys(collection.public),
      ...Object.keys(collection.admin),
      ...Object.keys(collection.private),
    ]),
  ),
];

describe('every list', () => {
  it('takes no filter that it does not offer, whatever is stored under that name', async () => {
    expect(lists.map(({ name }) => name)).toEqual([
      'GET /v1/sessions',
      'GET /v1/users/me/activity',
      'GET /v1/admin/users',
      'GET /v1/admin/users/{id}/sessions',
      'GET /v1/admin/api-keys',
      'GET /v1/admin/audit-events',
      'GET /v1/admin/users/{id}/audit-events',
      'GET /v1/admin/webhooks',
      'GET /v1/admin/webhooks/{id}/deliveries',
      'GET /v1/admin/backups',
      ...listsOfCollections(resources),
    ]);
    for (const list of lists) {
      const hidden = paths.filter((path) => !list.queryParameters.includes(path));
      expect(hidden).toEqual(expect.arrayContaining(['passwordHash', 'refreshTokenHash', 'statusReason']));
      // No more at once than a problem document lists.
      for (let from = 0; from < hidden.length; from += 20) {
        const names = hidden.slice(from, from + 20).flatMap((path) => [path, `filter[${path}]`]);
        const query = Object.fromEntries(names.map((name) => [name, 'a']));
        const { statusCode, json } = await attempt(service, list, admin, undefined, { query });
        expect([statusCode, json().code], list.name).toEqual([400, 'validation-failed']);
        const refused = json().errors.map(({ pointer }: { pointer: string }) => pointer);
        expect(refused, list.name).toEqual(expect.arrayContaining(names.map((name) => `?${name}`)));
      }
    }
  });

  it('takes no sort but those it offers', async () => {
    const offered: Record<string, readonly string[]> = {
      'GET /v1/admin/users': ['id', 'createdAt', 'email'],
      ...sortsOfCollections(resources),
    };
    for (const list of lists) {
      // Where there is one order alone, no word is one.
      const words = list.queryParameters.includes('sort')
        ? paths.filter((one) => !offered[list.name]?.includes(one))
        : paths.slice(0, 3);
      for (const path of words)
        for (const sort of [path, `-${path}`]) {
          const response = await attempt(service, list, admin, undefined, { query: { sort } });
          expect(response.statusCode, `${list.name}?sort=${sort}`).toBe(400);
        }
    }
  });

  it('is sorted by nothing that it does not show', () => {
    for (const { plans } of resources)
      for (const { view, lists } of plans) {
        const shown = Object.keys((view as unknown as { properties: object }).properties);
        expect(shown).toEqual(expect.arrayContaining(lists.sorts.map((sort) => (sort === '_id' ? 'id' : sort))));
      }
  });

  it('takes none of the usual ways to choose what is read', async () => {
    const ways = [
      'fields',
      'select',
      'projection',
      'populate',
      'include',
      'where',
      '$where',
      'aggregate',
      'group',
      'skip',
    ];
    for (const list of lists)
      for (const way of ways) {
        const response = await attempt(service, list, admin, undefined, { query: { [way]: 'passwordHash' } });
        expect(response.statusCode, `${list.name}?${way}`).toBe(400);
      }
  });
});

describe('the list of accounts', () => {
  const QUERIES: Record<string, string>[] = [
    ...['id', '-id', 'createdAt', '-createdAt', 'email', '-email'].map((sort) => ({ sort, total: 'true' })),
    ...['active', 'suspended', 'deleted'].map((status) => ({ status, total: 'true' })),
    { emailVerified: 'true', total: 'true' },
    { role: 'user', total: 'true' },
    { q: 'ann' },
    { q: 'hidden' },
  ];

  async function answers() {
    const pages = [];
    for (const query of QUERIES) {
      const response = await support.call('GET', '/v1/admin/users', undefined, { query: { ...query, limit: '100' } });
      expect(response.statusCode, response.body).toBe(200);
      const { items, total } = response.json();
      pages.push({ query, ids: items.map(({ id }: { id: string }) => id), total });
    }
    return pages;
  }

  it('has the same order and the same counts whatever stands in the hidden fields', async () => {
    const before = await answers();
    const users = await User.find({ email: /^hidden/ }, { _id: 1 })
      .sort({ email: 1 })
      .lean();
    for (const [n, { _id }] of users.entries())
      await User.collection.updateOne(
        { _id },
        {
          $set: {
            passwordHash: `$argon2id$${9 - n}`,
            passwordChangedAt: new Date(2000 + n, n % 3),
            legalHold: n % 2 === 0,
            previousStatus: n % 2 === 0 ? 'inactive' : 'active',
            revision: 100 - n,
          },
        },
      );
    expect(await answers()).toEqual(before);
  });

  it('does not search what it does not show', async () => {
    await User.collection.updateMany({ email: /^hidden/ }, { $set: { passwordHash: '$argon2id$secret' } });
    for (const q of ['$argon2id', STATUS_REASON, 'active', 'admin', 'user', '2025', admin.id]) {
      const response = await support.call('GET', '/v1/admin/users', undefined, { query: { q } });
      expect(response.json(), q).toEqual({ items: [], nextCursor: null });
    }
  });

  it('neither shows nor counts the deleted, unless asked for them', async () => {
    const email = freshEmail('gone');
    const count = async () => {
      const query = { total: 'true', limit: '1' };
      return (await support.call('GET', '/v1/admin/users', undefined, { query })).json().total as number;
    };
    const before = await count();
    const at = new Date();
    await User.create({ email, status: 'deleted', createdAt: at, updatedAt: at });
    expect(await count()).toBe(before);
    for (const query of [{ q: 'gone' }, { sort: '-id', limit: '1' }, { role: 'user', limit: '100' }]) {
      const { items } = (await support.call('GET', '/v1/admin/users', undefined, { query })).json();
      expect(
        items.filter((user: { email: string }) => user.email === email),
        JSON.stringify(query),
      ).toEqual([]);
    }
  });
});
