import { transaction } from '../database.ts';
import { permission, signedIn, teamRole } from '../lib/access-rules.ts';
import { toId } from '../models/ids.ts';
import { TEAM_ROLES } from '../models/membership.ts';
import { Team, type TeamRecord } from '../models/team.ts';
import { addMember, leaveTeam, transferTeam } from '../models/team-members.ts';
import { assertRecent, sessionOf } from '../plugins/authentication.ts';
import {
  BODY_PROBLEMS,
  IDEMPOTENCY_PROBLEMS,
  idempotencyKey,
  NoContent,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import { TeamParams, Transfer, team } from '../schemas/team.ts';
import type { App } from '../types/fastify.ts';
import { memberships, memberView } from './membership.ts';
import { resource } from './resource/resource.ts';

const EVERY_MEMBER = TEAM_ROLES;

/** What members do besides what every collection has. */
async function membersOwn(app: App): Promise<void> {
  app.post(
    '/teams/:teamId/leave',
    {
      schema: {
        operationId: 'leaveTeam',
        summary: 'Leave a team',
        tags: ['Teams'],
        params: TeamParams,
        headers: idempotencyKey,
        response: { 204: NoContent, ...signedInProblems(...IDEMPOTENCY_PROBLEMS, 'not-found', 'last-owner') },
      },
    },
    async (request, reply) => {
      const { origin } = request;
      const { userId } = sessionOf(request);
      await transaction((tx) => leaveTeam({ tx, origin }, toId(request.params.teamId), userId));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/teams/:teamId/transfer',
    {
      schema: {
        operationId: 'transferTeam',
        summary: 'Give a team to another member',
        description: 'That member becomes an owner, and whoever gives it away an admin. Needs a recent sign-in.',
        tags: ['Teams'],
        params: TeamParams,
        headers: idempotencyKey,
        body: ref(Transfer),
        response: {
          200: memberView('The new owner.'),
          ...signedInProblems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'forbidden',
            'reauthentication-required',
            'not-found',
            'last-owner',
          ),
        },
      },
    },
    async (request) => {
      assertRecent(request);
      const { origin } = request;
      const transfer = {
        teamId: toId(request.params.teamId),
        to: toId(request.body.userId),
        from: sessionOf(request).userId,
      };
      return memberships.show(await transaction((tx) => transferTeam({ tx, origin }, transfer)));
    },
  );
}

/** For a team whose owners are gone, or fallen out. */
async function administrations(app: App): Promise<void> {
  app.post(
    '/teams/:teamId/transfer',
    {
      schema: {
        operationId: 'transferAnyTeam',
        summary: 'Make somebody the owner of a team',
        description: 'Whoever is no member becomes one by that.',
        tags: ['Teams'],
        params: TeamParams,
        headers: idempotencyKey,
        body: ref(Transfer),
        response: {
          200: memberView('The new owner.'),
          ...signedInProblems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'forbidden',
            'not-found',
            'last-owner',
            'value-taken',
          ),
        },
      },
      config: { permission: 'collections:write' },
    },
    async (request) => {
      const { origin } = request;
      const transfer = { teamId: toId(request.params.teamId), to: toId(request.body.userId) };
      return memberships.show(await transaction((tx) => transferTeam({ tx, origin }, transfer)));
    },
  );
}

export const teams = resource<TeamRecord>({
  model: Team,
  name: 'team',
  purpose: 'People who have things in common: what belongs to a team belongs to its members.',
  schemas: team,
  access: {
    list: [teamRole(EVERY_MEMBER, '_id'), permission('collections:read')],
    read: [teamRole(EVERY_MEMBER, '_id'), permission('collections:read')],
    create: signedIn(),
    update: teamRole(['owner', 'admin'], '_id'),
    delete: [teamRole(['owner'], '_id'), permission('collections:write')],
    restore: permission('collections:write'),
  },
  routes: { create: { config: { limit: { name: 'new-teams', max: 20, windowMs: 3_600_000 } } } },
  steps: {
    created: async ({ tx, origin, caller, document }) => {
      if (caller.userId) await addMember({ tx, origin }, document._id, caller.userId, 'owner');
    },
  },
  named: [Transfer],
  beside: { 'signed-in': membersOwn, admin: administrations },
});
