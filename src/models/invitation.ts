import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from './life.ts';
import { LINK_SECONDS } from './mailed-token.ts';
import { TEAM_ROLES } from './membership.ts';
import { Team } from './team.ts';
import { USER_LIMITS } from './user.ts';

/** An invitation can be accepted for so long. */
export const INVITATION_SECONDS = LINK_SECONDS['accept-invitation'];

/** Somebody, by their email, is asked to become a member of a team. The link that they are mailed works once. */
const invitationSchema = new Schema(
  {
    ...LIFE_FIELDS,
    teamId: { type: Schema.Types.ObjectId, ref: Team.modelName, onDelete: 'cascade', required: true },
    email: { type: String, required: true, maxlength: USER_LIMITS.email },
    role: { type: String, enum: TEAM_ROLES, required: true },
    /** Who invited; absent once that account is gone. */
    invitedBy: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'nullify' },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'invitations', versionKey: false },
);

invitationSchema.index({ teamId: 1, email: 1 }, { name: 'idx_invitations_team_id_email', unique: true });
invitationSchema.index({ teamId: 1, _id: 1 }, { name: 'idx_invitations_team_id' });
invitationSchema.index({ email: 1, _id: 1 }, { name: 'idx_invitations_email' });
invitationSchema.index({ invitedBy: 1, _id: 1 }, { name: 'idx_invitations_invited_by' });
invitationSchema.index({ expiresAt: 1 }, { name: 'idx_invitations_expires_at', expireAfterSeconds: 0 });
addLifeIndexes(invitationSchema, 'invitations');

export const Invitation = model('Invitation', invitationSchema);

export type InvitationRecord = InferSchemaType<typeof invitationSchema> & { _id: Types.ObjectId };
