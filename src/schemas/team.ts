import { Type } from 'typebox';
import { TEAM_ROLES } from '../models/membership.ts';
import { TEAM_LIMITS } from '../models/team.ts';
import { USER_LIMITS } from '../models/user.ts';
import { Id, idOf, named } from './common.ts';
import { wireSchemas } from './resource.ts';

const Role = Type.Enum([...TEAM_ROLES], {
  description:
    'What a member may do: `owner` everything, `admin` rename, invite and remove all but owners, `member` read.',
});

const teamId = idOf('The team.', { readOnly: true });
const userId = idOf('The account.', { readOnly: true });

export const team = wireSchemas('Team', {
  description: 'People who have things in common.',
  fields: {
    name: Type.String({ minLength: 1, maxLength: TEAM_LIMITS.name, description: 'For people.' }),
  },
  example: { name: 'Analytical engines' },
});

export const membership = wireSchemas('Membership', {
  description: 'That somebody is a member of a team, and in which role.',
  fields: { teamId, userId, role: Role },
  example: { role: 'member' },
});

export const invitation = wireSchemas('Invitation', {
  description: 'That somebody is asked to become a member of a team.',
  fields: {
    teamId,
    email: Type.String({ minLength: 1, maxLength: USER_LIMITS.email, description: 'Whom it is mailed to.' }),
    role: Role,
    invitedBy: Type.Optional(idOf('Who invited.', { readOnly: true })),
    expiresAt: Type.String({ format: 'date-time', description: 'Until then it can be accepted.', readOnly: true }),
  },
  example: { email: 'grace@example.com', role: 'member' },
});

export const Acceptance = named(
  'InvitationAcceptance',
  { token: Type.String({ minLength: 1, maxLength: 128, description: 'Of the mailed link.' }) },
  { examples: [{ token: 'Zm9yIHdob21ldmVyIGhvbGRzIHRoZSBtYWlsYm94IG9ubHk' }] },
);

export const Transfer = named(
  'TeamTransfer',
  { userId: idOf('Who becomes the owner: a member, or anybody where administration does it.') },
  { examples: [{ userId: '665f1c2e9b1e8a0012345678' }] },
);

/** Ids of a team in a URL. */
export const TeamParams = Type.Object({ teamId: Id }, { additionalProperties: false });
