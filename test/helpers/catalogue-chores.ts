import { Schema } from 'mongoose';
import { Type } from 'typebox';
import { AppError } from '../../src/errors.ts';
import { signedIn, teamRole } from '../../src/lib/access-rules.ts';
import type { Resource } from '../../src/routes/resource/declaration.ts';
import { resource } from '../../src/routes/resource/resource.ts';
import { idOf, signedInProblems } from '../../src/schemas/common.ts';
import { wireSchemas } from '../../src/schemas/resource.ts';
import { ref, required, say, testModel, text } from './catalogue-model.ts';

const ALL = ['owner', 'admin', 'member'];
const group = (roles: string[]) => teamRole(roles, 'groupId');
const LEVELS = ['low', 'high'] as const;

/** What a team has to do, in one flat list for each team. */
export const chores = (): Resource =>
  resource<{ title: string }>({
    model: testModel(
      'Chore',
      {
        groupId: ref('Team', 'cascade', required),
        parentId: ref('Chore', 'nullify'),
        title: text(80, required),
        level: { type: String, enum: LEVELS, ...required },
        done: { type: Boolean, ...required },
        weight: { type: Number, ...required },
        cost: { type: Schema.Types.Decimal128, ...required },
        dueAt: { type: Date, ...required },
        estimate: { type: Number },
        kind: text(20),
      },
      {
        group_id: { groupId: 1, _id: 1 },
        parent_id: { parentId: 1, _id: 1 },
        title: { groupId: 1, title: 1 },
        weight: { groupId: 1, weight: 1, _id: 1 },
        due_at: { groupId: 1, dueAt: 1, _id: 1 },
        level: { groupId: 1, level: 1, _id: 1 },
        done: { groupId: 1, done: 1, _id: 1 },
        level_done: { groupId: 1, level: 1, done: 1, _id: 1 },
        cost: { groupId: 1, cost: 1, _id: 1 },
        parent: { groupId: 1, parentId: 1, _id: 1 },
      },
      { unique: ['title'] },
    ),
    name: 'chore',
    purpose: 'What a team has to do.',
    schemas: wireSchemas('Chore', {
      description: 'What a team has to do.',
      fields: {
        groupId: idOf('The team.'),
        parentId: Type.Optional(idOf('What it is a part of.')),
        title: Type.String({ maxLength: 80, ...say('One line.') }),
        level: Type.Enum([...LEVELS], say('How much it matters.')),
        done: Type.Boolean(say('Whether it is done.')),
        weight: Type.Number(say('How hard it is.')),
        cost: Type.String({ pattern: '^\\d{1,9}(\\.\\d{1,2})?$', ...say('What it takes.') }),
        dueAt: Type.String({ format: 'date-time', ...say('Until when.') }),
        estimate: Type.Optional(Type.Number(say('What owners think.'))),
        kind: Type.Optional(Type.String(say('Of which kind.'))),
      },
      once: ['kind'],
      example: { title: 'Oil', level: 'low', done: false, weight: 1, cost: '1.50', dueAt: '2026-12-01T00:00:00.000Z' },
    }),
    access: {
      list: group(ALL),
      read: group(ALL),
      create: group(['owner', 'admin']),
      update: group(['owner', 'admin']),
      delete: group(['owner']),
      restore: group(['owner']),
    },
    fields: { estimate: { read: group(['owner']), write: group(['owner']) } },
    filters: ['level', 'done', 'cost', 'dueAt', 'parentId'],
    sorts: ['weight', 'dueAt', 'title'],
    enums: { 'Chore level': LEVELS },
    problems: { update: ['last-owner'] },
    steps: {
      updated: async ({ document, changes }) => {
        if (changes.includes('title') && document.title === 'refused') throw new AppError('last-owner');
      },
    },
    routes: {
      update: {
        preHandler: async (_request, reply) => void reply.header('x-hook', 'ran'),
        config: { limit: { name: 'chores', max: 1000, windowMs: 60_000 } },
      },
    },
  });

const NOWHERE = { id: '0'.repeat(24), teamId: '0'.repeat(24), name: 'own', createdAt: 'never', updatedAt: 'never' };

/** Below a team, removed for good; with a handler and a route of its own. */
export const rooms = (): Resource =>
  resource({
    model: testModel(
      'Room',
      { teamId: ref('Team', 'cascade', required), name: text(40, required) },
      { team_id: { teamId: 1, _id: 1 } },
    ),
    name: 'room',
    path: '/teams/:teamId/rooms',
    purpose: 'Where teams meet.',
    schemas: wireSchemas('Room', {
      description: 'Where a team meets.',
      fields: { teamId: idOf('The team.', { readOnly: true }), name: Type.String(say('On the door.')) },
      example: { name: 'Attic' },
    }),
    access: {
      list: teamRole(ALL),
      read: teamRole(ALL),
      create: teamRole(['owner', 'admin']),
      update: teamRole(['owner', 'admin']),
      delete: teamRole(['owner', 'admin']),
    },
    removal: 'hard',
    routes: { read: { handler: async () => NOWHERE } },
    beside: {
      'signed-in': async (app) => {
        app.get('/rooms-beside', { schema: { response: { 200: Type.Any(), ...signedInProblems() } } }, async () => ({
          beside: true,
        }));
      },
    },
  });

/** Below a chore, of whoever writes it; what the rule says of a new one is not theirs to say. */
export const remarks = (): Resource =>
  resource({
    model: testModel(
      'ChoreRemark',
      {
        choreId: ref('Chore', 'cascade', required),
        state: text(20, required),
        text: text(100, required),
        pinned: { type: Boolean },
      },
      { chore_id: { choreId: 1, _id: 1 }, state: { choreId: 1, state: 1, _id: 1 } },
    ),
    name: 'remark',
    path: '/chores/:choreId/remarks',
    purpose: 'What is said about chores.',
    schemas: wireSchemas('ChoreRemark', {
      description: 'What somebody says about a chore.',
      fields: {
        choreId: idOf('The chore.', { readOnly: true }),
        state: Type.String(say('Whether it was looked at.')),
        text: Type.String(say('What is said.')),
        pinned: Type.Optional(Type.Boolean(say('Whether it stays on top.'))),
      },
      example: { text: 'Soon' },
    }),
    access: {
      list: signedIn({ state: 'new' }),
      read: signedIn({ state: 'new' }),
      create: signedIn({ state: 'new' }),
      update: signedIn({ state: 'new' }),
    },
    fields: { pinned: { write: signedIn({ state: 'pinnable' }) } },
  });
