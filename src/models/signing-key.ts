import { type InferSchemaType, model, Schema } from 'mongoose';

/** Keys of access tokens. Each is published before it signs, and until the tokens that it signed have expired. */
const signingKeySchema = new Schema(
  {
    /** RFC 7638 thumbprint of the public key; the `kid` of a token. */
    _id: { type: String, required: true, maxlength: 43 },
    /** Counts up; unique, so that of several instances that rotate at once one wins. */
    generation: { type: Number, required: true },
    publicJwk: { type: Object, required: true },
    /** As JSON. */
    privateJwk: {
      type: String,
      required: true,
      sensitive: 'By each instance once, to sign access tokens with it.',
    },
    createdAt: { type: Date, required: true },
    /** Signs from then on, until the time of the next one has come. */
    activatesAt: { type: Date, required: true },
    /** Set when the next key is made: when the last token signed with this one will have expired. */
    expiresAt: { type: Date },
  },
  { collection: 'signing_keys', versionKey: false },
);

signingKeySchema.index({ generation: 1 }, { name: 'idx_signing_keys_generation', unique: true });
signingKeySchema.index({ expiresAt: 1 }, { name: 'idx_signing_keys_expires_at', expireAfterSeconds: 0 });

export const SigningKey = model('SigningKey', signingKeySchema);

export type SigningKeyRecord = InferSchemaType<typeof signingKeySchema>;
