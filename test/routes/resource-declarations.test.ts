import mongoose from 'mongoose';
import { Type } from 'typebox';
import { afterEach, expect, it } from 'vitest';
import '../../src/collections/index.ts';
import { everyone, owner, permission, signedIn, teamRole } from '../../src/lib/access-rules.ts';
import type { Audience, ResourceOptions } from '../../src/routes/resource/declaration.ts';
import { fieldRules } from '../../src/routes/resource/fields.ts';
import { resource } from '../../src/routes/resource/resource.ts';
import { wireSchemas } from '../../src/schemas/resource.ts';
import { ref, testModel } from '../helpers/catalogue-model.ts';

const MODELS = ['Thing', 'ThingPart'];
afterEach(() => {
  for (const name of MODELS) if (mongoose.models[name]) mongoose.deleteModel(name);
});

const thing = () =>
  testModel(
    'Thing',
    {
      userId: ref('User', 'cascade', { required: true }),
      teamId: ref('Team', 'cascade'),
      name: { type: String, required: true, maxlength: 40 },
      text: { type: String, required: true },
      rank: { type: Number },
      secret: { type: String, required: true, maxlength: 10 },
      due: { type: Date, required: true },
      dueAt: { type: Date, required: true },
      dueAfter: { type: String, required: true, maxlength: 10 },
    },
    {
      user_id: { userId: 1, _id: 1 },
      team_id: { teamId: 1, _id: 1 },
      user_id_name: { userId: 1, name: 1, _id: 1 },
      user_id_text: { userId: 1, text: 1, _id: 1 },
      user_id_secret: { userId: 1, secret: 1, _id: 1 },
      user_id_due: { userId: 1, due: 1, _id: 1 },
      user_id_due_at: { userId: 1, dueAt: 1, _id: 1 },
      user_id_due_after: { userId: 1, dueAfter: 1, _id: 1 },
    },
  );

const words = Type.String({ description: 'Words.' });
const fields = { name: words, text: words, secret: words, due: words, dueAt: words, dueAfter: words };

/** A resource that can be kept, with something that cannot. */
function declared(more: Partial<ResourceOptions<never>>, extra: object = {}, once: string[] = []) {
  return resource({
    model: thing(),
    name: 'thing',
    purpose: 'Things.',
    schemas: wireSchemas('Thing', { description: 'A thing.', fields: { ...fields, ...extra }, once, example: {} }),
    access: { list: owner(), read: owner(), create: owner(), update: owner() },
    private: { userId: 'Whose it is.', teamId: 'The team.', rank: 'Its place.' },
    ...more,
  });
}

it('one that can be kept is', () => {
  const { collections } = declared({ filters: ['name', 'dueAt'], sorts: ['name', 'dueAt', 'dueAfter'] });
  expect(collections.map(({ name }) => name)).toEqual(['things']);
});

it.each<[string, Parameters<typeof declared>, RegExp]>([
  ['an order that no index serves', [{ sorts: ['createdAt'] }], /no index serves the order by createdAt/],
  ['an order by what may be absent', [{ sorts: ['rank'] }], /cannot be sorted by rank, which may be absent/],
  ['an order by texts without end', [{ sorts: ['text'] }], /sorted by text, which may be longer than 500 characters/],
  ['a filter that no index serves', [{ filters: ['rank'] }], /no index serves the filter rank/],
  [
    'an order by what some may not read',
    [{ sorts: ['secret'], fields: { secret: { read: permission('users:read') } } }],
    /a cursor by secret would tell it/,
  ],
  [
    'a filter by what some may not read',
    [{ filters: ['secret'], fields: { secret: { read: teamRole(['owner']) } } }],
    /a filter by secret would tell it/,
  ],
  [
    'a filter by the name of an end of another',
    [{ filters: ['dueAfter', 'dueAt'], sorts: ['dueAt'] }],
    /would have the parameter dueAfter twice/,
  ],
  [
    'filters by two times of one name',
    [{ filters: ['due', 'dueAt'], sorts: ['due', 'dueAt'] }],
    /would have the parameter dueAfter twice/,
  ],
  [
    'a list that no index serves',
    [{ access: { list: everyone({ name: 'x' }) } }],
    /no index serves the list of its owners/,
  ],
  ['a path of which nobody says what it is', [{ private: {} }], /Thing.userId: say what it is/],
  ['a rule for a field that is none', [{ fields: { nmae: { read: owner() } } }], /there is no field nmae/],
  ['what is given once and is no field', [{}, {}, ['kind']], /there is no field kind/],
  ['a rule by a path that is none', [{ access: { list: owner('ownerId') } }], /goes by ownerId, which its model lacks/],
  ['a rule by a value that is none', [{ access: { read: signedIn({ open: true }) } }], /goes by open, which its model/],
  [
    'a new one that need not belong anywhere',
    [{ access: { create: teamRole(['owner']) } }],
    /a rule about teamId has to have it/,
  ],
  ['a field of a reserved name', [{}, { revision: words }], /revision is the name of something/],
  ['a filter of a reserved name', [{ filters: ['total'] }], /total is the name of something/],
  [
    'what comes back after it went for good',
    [{ removal: 'hard', access: { list: owner(), restore: owner() } }],
    /what is removed at once cannot be restored/,
  ],
])('%s is refused', (_what, given, message) => {
  expect(() => declared(...given).collections).toThrow(message);
});

it('two rules of one kind are refused', () => {
  expect(() => declared({ access: { list: [owner(), signedIn()] } })).toThrow(/list has two rules for people/);
  mongoose.deleteModel('Thing');
  const field = { name: { read: [owner(), teamRole(['owner'])] } };
  expect(() => declared({ fields: field }).collections).toThrow(/The field name has two rules of one kind/);
});

it('a rule of a field is asked wherever a document is shown that another rule has found', () => {
  const fields = { name: { read: owner() } };
  const decides = (rules: Audience['rules']) =>
    fieldRules({ kind: 'own', rules }, fields, 'read', 'read').get('name')?.decides;
  expect(decides({ list: owner(), read: owner(), update: owner() })).toBe('always');
  for (const operation of ['list', 'update', 'restore'] as const)
    expect(decides({ read: owner(), [operation]: signedIn() })).toBe('sometimes');
});

it('a model without the fields of a life is refused', () => {
  const model = testModel('ThingPart', { name: { type: String } }, {}, { life: false });
  expect(() => declared({ model }).collections).toThrow(/lacks LIFE_FIELDS/);
});

it('what others refer to is not removed for good', () => {
  const made = declared({ removal: 'hard' });
  testModel('ThingPart', { thingId: ref('Thing', 'cascade') }, { thing_id: { thingId: 1, _id: 1 } });
  expect(() => made.collections).toThrow(/what others refer to is deleted softly/);
});
