import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from './life.ts';
import { Team } from './team.ts';

/** What somebody may do in a team, from much to little. */
export const TEAM_ROLES = ['owner', 'admin', 'member'] as const;
export type TeamRole = (typeof TEAM_ROLES)[number];

/** That somebody is a member of a team, and in which role. One for a team and a person. */
const membershipSchema = new Schema(
  {
    ...LIFE_FIELDS,
    teamId: { type: Schema.Types.ObjectId, ref: Team.modelName, onDelete: 'cascade', required: true },
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    role: { type: String, enum: TEAM_ROLES, required: true },
  },
  { collection: 'memberships', versionKey: false },
);

membershipSchema.index({ teamId: 1, userId: 1 }, { name: 'idx_memberships_team_id_user_id', unique: true });
membershipSchema.index({ teamId: 1, _id: 1 }, { name: 'idx_memberships_team_id' });
membershipSchema.index({ teamId: 1, role: 1, _id: 1 }, { name: 'idx_memberships_team_id_role' });
membershipSchema.index({ userId: 1, _id: 1 }, { name: 'idx_memberships_user_id' });
addLifeIndexes(membershipSchema, 'memberships');

export const Membership = model('Membership', membershipSchema);

export type MembershipRecord = InferSchemaType<typeof membershipSchema> & { _id: Types.ObjectId };
