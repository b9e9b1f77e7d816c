import { type InferSchemaType, model, Schema, type Types } from 'mongoose';

const IDENTITY_LIMITS = Object.freeze({ provider: 32, subject: 255, email: 255 });

/** An account of the same person at an external provider, by which they sign in here. */
const identitySchema = new Schema(
  {
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    /** Id of the provider in the configuration. */
    provider: { type: String, required: true, maxlength: IDENTITY_LIMITS.provider },
    /** The provider's `sub`: unlike an email it never passes to somebody else. */
    subject: { type: String, required: true, maxlength: IDENTITY_LIMITS.subject },
    /** As the provider told it last, for the owner to recognise. */
    email: { type: String, maxlength: IDENTITY_LIMITS.email },
    /** Of the provider, as JSON; only where the configuration asks to keep them. */
    tokens: { type: String, sensitive: 'By nothing of this service: kept for the team that asks for them.' },
    createdAt: { type: Date, required: true },
    lastUsedAt: { type: Date, required: true },
  },
  { collection: 'identities', versionKey: false },
);

identitySchema.index({ provider: 1, subject: 1 }, { name: 'idx_identities_provider_subject', unique: true });
identitySchema.index({ userId: 1, _id: 1 }, { name: 'idx_identities_user_id' });

export const Identity = model('Identity', identitySchema);

/** The identities of an account, oldest first. */
export const listIdentities = (userId: Types.ObjectId): Promise<IdentityRecord[]> =>
  Identity.find({ userId }, { tokens: 0 }).sort({ _id: 1 }).hint({ userId: 1, _id: 1 }).lean<IdentityRecord[]>().exec();

export type IdentityRecord = InferSchemaType<typeof identitySchema> & { _id: Types.ObjectId };
