import { permission, teamRole } from '../lib/access-rules.ts';
import { Membership, type MembershipRecord, TEAM_ROLES } from '../models/membership.ts';
import { assertOwner, keepAnOwner } from '../models/team-members.ts';
import { membership } from '../schemas/team.ts';
import { people } from './people.ts';
import { resource } from './resource/resource.ts';

export const memberships = resource<MembershipRecord>({
  model: Membership,
  name: 'member',
  path: '/teams/:teamId/members',
  purpose: 'Who is a member of which team, and in which role.',
  schemas: membership,
  access: {
    list: [teamRole(TEAM_ROLES), permission('collections:read')],
    read: teamRole(TEAM_ROLES),
    update: teamRole(['owner']),
    delete: teamRole(['owner', 'admin']),
  },
  filters: ['role'],
  include: { user: { kind: 'parent', path: 'userId', of: () => people } },
  enums: { 'Team role': TEAM_ROLES },
  indexes: {
    idx_memberships_team_id_user_id: 'One membership for a team and a person.',
    idx_memberships_user_id: 'The teams of an account.',
  },
  problems: { update: ['last-owner'], delete: ['last-owner'] },
  removal: 'hard',
  retention: 'As long as somebody is a member. What a deleted team or account takes along comes back with it.',
  steps: {
    updated: ({ tx, document }) => keepAnOwner(tx, document.teamId),
    deleted: async ({ tx, caller, document }) => {
      const own = caller.userId?.equals(document.userId) ?? false;
      if (document.role === 'owner' && !own) await assertOwner(tx, caller.userId, document.teamId);
      await keepAnOwner(tx, document.teamId);
    },
  },
});

/** For routes that answer with a member. */
export const memberView = (description: string) => ({ $ref: `${membership.id}#`, description });
