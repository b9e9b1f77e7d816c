import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { indexesOf } from '../../src/scaffold/blueprint.ts';
import { Refusal } from '../../src/scaffold/refusal.ts';
import { blueprintsOf, type Request } from '../../src/scaffold/request.ts';
import { hasSources, readTree, type Tree } from '../../src/scaffold/tree.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const root = mkdtempSync(join(tmpdir(), 'roster-tree-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A tree of two collections with routes, and two that nothing may be linked to. */
const tree: Tree = {
  root,
  known: [
    { collection: 'users', model: 'User', mayBeReferredTo: true },
    { collection: 'jobs', model: 'JobState', mayBeReferredTo: false },
    {
      collection: 'customers',
      model: 'Customer',
      mayBeReferredTo: true,
      resource: { constant: 'customers', singular: 'customer', file: 'customer' },
    },
  ],
  schemas: new Set(['Customer', 'NewParcel']),
  operationIds: new Set(['getLetter']),
  paths: ['/v1/sessions', '/v1/sessions/{id}', '/v1/admin/statistics', '/v1/teams/{teamId}/members'],
  nextMigration: 42,
};

const asked = (more: Partial<Request> = {}): Request => ({
  plural: 'invoices',
  owner: 'user',
  fields: ['number:string unique'],
  manyToMany: [],
  ...more,
});

describe('a collection', () => {
  it('has its names from its plural', () => {
    const [blueprint] = blueprintsOf(asked({ plural: 'line-items' }), tree);
    expect(blueprint?.names).toMatchObject({
      url: 'line-items',
      collection: 'line_items',
      plural: 'lineItems',
      singular: 'lineItem',
      model: 'LineItem',
      file: 'line-item',
      constant: 'LINE_ITEM',
    });
    expect(blueprint?.migration).toBe('042');
  });

  it('brings along what it is linked to and is not there, with the same owner, and before itself', () => {
    const made = blueprintsOf(asked({ owner: 'team', manyToMany: ['tags', 'customers'] }), tree);
    expect(made.map(({ names, migration, owner }) => [names.url, migration, owner])).toEqual([
      ['tags', '042', 'team'],
      ['invoices', '043', 'team'],
    ]);
    expect(made[0]?.fields).toMatchObject([{ name: 'name', unique: true }]);
    expect(made[1]?.links).toMatchObject([
      { model: 'InvoiceTag', collection: 'invoice_tags', file: 'invoice-tag', from: 'invoiceId', to: 'tagId' },
      { model: 'InvoiceCustomer', to: 'customerId' },
    ]);
  });

  it('has an index for each list, each reference and each value that is unique, and none twice', () => {
    const fields = [
      'number:string unique sort',
      'code:string optional unique',
      'status:enum(a|b) filter',
      'dueAt:date filter sort',
      'customerId:reference(customers) filter',
    ];
    const names = (owner: string) => {
      const [blueprint] = blueprintsOf(asked({ owner, fields }), tree);
      return blueprint && indexesOf(blueprint).map(({ name }) => name.replace('idx_invoices_', ''));
    };
    expect(names('user')).toEqual([
      'user_id',
      'user_id_number',
      'user_id_code',
      'user_id_status',
      'user_id_due_at',
      'user_id_customer_id',
      'customer_id',
    ]);
    expect(names('none')).toEqual(['number', 'code', 'status', 'due_at', 'customer_id']);
  });

  it('may have a field by the name of a parameter, where that is no filter', () => {
    const fields = ['dueAt:date filter', 'dueAfter:string'];
    expect(() => blueprintsOf(asked({ fields }), tree)).not.toThrow();
  });

  it.each<[string, Partial<Request>, string]>([
    ['no name', { plural: 'Invoices' }, 'lower-case words'],
    ['a name with an underscore', { plural: 'line_items' }, 'lower-case words'],
    ['a plural of which the singular is not clear', { plural: 'series' }, '--singular'],
    ['one name for both', { plural: 'sheep', singular: 'sheep' }, 'two names'],
    ['a word of the language', { plural: 'classes' }, 'a word of the language'],
    ['a name of what is built in', { plural: 'maps' }, 'a word of the language'],
    ['a name that the written code uses', { plural: 'resources' }, 'of the code'],
    ['a collection that is there', { plural: 'customers' }, 'There is a collection customers'],
    ['a model that is there', { plural: 'clients', singular: 'customer' }, 'There is a model Customer'],
    ['a schema that is there', { plural: 'parcels' }, 'a schema NewParcel'],
    ['an operation that is there', { plural: 'letters' }, 'an operation getLetter'],
    ['a URL that is there', { plural: 'sessions', singular: 'seance' }, '/v1/sessions'],
    ['a URL of administration', { plural: 'statistics', singular: 'figure' }, '/v1/admin/statistics'],
    ['a URL of a team', { owner: 'team', plural: 'members' }, '/v1/teams/{teamId}/members'],
    ['an owner that is none', { owner: 'company' }, 'user, team, none'],
    ['no field', { fields: [] }, 'needs a field'],
    ['nothing but references', { fields: ['customerId:reference(customers)'] }, 'needs a field'],
    ['a field twice', { fields: ['title:string', 'title:text'] }, 'twice'],
    ['a reference to nothing', { fields: ['a:text', 'bId:reference(b)'] }, 'no such collection'],
    ['a reference to what is not referred to', { fields: ['a:text', 'jobId:reference(jobs)'] }, 'nothing may refer'],
    ['a required reference to itself', { fields: ['a:text', 'bId:reference(invoices)'] }, 'optional'],
    ['a link to what has no clear singular', { manyToMany: ['heroes'] }, 'Make these first'],
    ['a link to itself', { manyToMany: ['invoices'] }, 'another collection'],
    ['a link to what has no routes', { manyToMany: ['users'] }, 'no routes'],
    ['links of what belongs to nobody', { owner: 'none', manyToMany: ['customers'] }, 'needs an owner'],
    ['a link twice', { manyToMany: ['tags', 'tags'] }, 'two things'],
    [
      'a filter by the name of an end of another',
      { fields: ['dueAt:date filter', 'dueAfter:string filter'] },
      'parameter dueAfter twice',
    ],
    [
      'filters by two times of one name',
      { fields: ['due:date filter', 'dueAt:date filter'] },
      'parameter dueAfter twice',
    ],
    ['two collections of one model', { plural: 'notices', singular: 'tag', manyToMany: ['tags'] }, 'the model Tag'],
    ['a collection by the name of a junction', { manyToMany: ['tags', 'invoice-tags'] }, 'the model InvoiceTag'],
    ['a field by the name of a link', { fields: ['tags:text'], manyToMany: ['tags'] }, 'two things'],
    [
      'a field by the name of what is included',
      { fields: ['a:text', 'customer:text', 'customerId:reference(customers)'] },
      'two things',
    ],
  ])('is refused with %s', (_, more, why) => {
    expect(() => blueprintsOf(asked(more), tree)).toThrow(Refusal);
    expect(() => blueprintsOf(asked(more), tree)).toThrow(why);
  });
});

describe('the sources', () => {
  it('tell which collections there are, and what may be referred to and linked to', () => {
    const { known, schemas, operationIds, nextMigration } = readTree(REPOSITORY);
    expect(known).toContainEqual({ collection: 'users', model: 'User', mayBeReferredTo: true });
    expect(known).toContainEqual({
      collection: 'teams',
      model: 'Team',
      mayBeReferredTo: true,
      resource: { constant: 'teams', singular: 'team', file: 'team' },
    });
    expect(known.filter(({ collection }) => collection === 'sessions')).toMatchObject([{ mayBeReferredTo: false }]);
    expect(schemas).toContain('Membership');
    expect(operationIds.size).toBeGreaterThan(50);
    expect(nextMigration).toBeGreaterThan(21);
  });

  it('are there, or not', () => {
    expect(hasSources(REPOSITORY)).toBe(true);
    expect(hasSources(root)).toBe(false);
  });
});
