import { type InferSchemaType, model, Schema, type Types } from 'mongoose';

export const CREDENTIAL_TYPES = ['totp', 'recovery-code', 'passkey'] as const;
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];

/** What an account can be asked for besides its password; kept on the account too, so that a sign-in knows at once. */
export const SECOND_FACTORS = ['totp', 'passkey'] as const satisfies readonly CredentialType[];
export type SecondFactor = (typeof SECOND_FACTORS)[number];

/** WebAuthn level 3, `AuthenticatorTransport`. */
export const PASSKEY_TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;

export const CREDENTIAL_LIMITS = Object.freeze({ name: 100, credentialId: 1366, publicKey: 2048 });

/** One document a credential. Which paths are there is decided by its type. */
const credentialSchema = new Schema(
  {
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    type: { type: String, enum: CREDENTIAL_TYPES, required: true },
    /** TOTP: the shared secret. */
    secret: { type: String, sensitive: 'When a code of the app is checked.' },
    /** TOTP: absent until the first code proved that the secret arrived. */
    confirmedAt: { type: Date },
    /** TOTP: the time step of the last code that was accepted; a code of it or of an earlier one is refused. */
    lastStep: { type: Number },
    /** Recovery code: its SHA-256. */
    codeHash: { type: String, sensitive: 'When a recovery code is checked.' },
    /** Passkey: base64url of its credential id. */
    credentialId: { type: String, maxlength: CREDENTIAL_LIMITS.credentialId },
    /** Passkey: base64url of its COSE public key. */
    publicKey: {
      type: String,
      maxlength: CREDENTIAL_LIMITS.publicKey,
      kept: 'As it is: it verifies, and proves nothing.',
    },
    /** Passkey: the authenticator's signature counter; 0 where it counts none. */
    counter: { type: Number },
    transports: { type: [{ type: String, enum: PASSKEY_TRANSPORTS }], default: undefined },
    /** Passkey: whether its key is synchronised to other devices. */
    backedUp: { type: Boolean },
    name: { type: String, maxlength: CREDENTIAL_LIMITS.name },
    createdAt: { type: Date, required: true },
    lastUsedAt: { type: Date },
  },
  { collection: 'credentials', versionKey: false },
);

credentialSchema.index({ userId: 1, type: 1, _id: 1 }, { name: 'idx_credentials_user_id_type' });
credentialSchema.index(
  { credentialId: 1 },
  {
    name: 'idx_credentials_credential_id',
    unique: true,
    partialFilterExpression: { credentialId: { $exists: true } },
  },
);

credentialSchema.index(
  { userId: 1 },
  { name: 'idx_credentials_user_id', unique: true, partialFilterExpression: { type: 'totp' } },
);

export const Credential = model('Credential', credentialSchema);

export type CredentialRecord = InferSchemaType<typeof credentialSchema> & { _id: Types.ObjectId };
