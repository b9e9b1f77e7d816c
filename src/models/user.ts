import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { wholeNameKey } from '../lib/names.ts';
import { SECOND_FACTORS } from './credential.ts';

export const USER_STATUSES = ['active', 'inactive', 'suspended', 'deleted'] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

export const ROLES = ['user', 'support', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Statuses from which signing in is possible; `inactive` becomes `active` by it. */
export const SIGN_IN_STATUSES = ['active', 'inactive'] as const satisfies readonly UserStatus[];

export const USER_LIMITS = Object.freeze({
  email: 255,
  passwordHash: 255,
  name: 100,
  avatarUrl: 2048,
  statusReason: 500,
});

const sealedName = (path: string) => ({
  type: String,
  sensitive: 'Whenever the account is shown. Only where names are encrypted (`ENCRYPT_NAMES`).',
  foundBy: { path, form: wholeNameKey },
});

const NAME_KEY = 'The name lower-cased; where names are encrypted, HMAC-SHA256 of it in one case, by `KEYRING`.';

const userSchema = new Schema(
  {
    email: { type: String, required: true, maxlength: USER_LIMITS.email },
    passwordHash: {
      type: String,
      maxlength: USER_LIMITS.passwordHash,
      select: false,
      kept: 'argon2id with a salt of its own; an imported hash as it came, until its owner signs in.',
    },
    // Names are here in clear or sealed, as ENCRYPT_NAMES says; `user-names.ts` reads and writes them.
    firstName: { type: String, maxlength: USER_LIMITS.name },
    lastName: { type: String, maxlength: USER_LIMITS.name },
    sealedFirstName: sealedName('firstNameKey'),
    sealedLastName: sealedName('lastNameKey'),
    avatarUrl: { type: String, maxlength: USER_LIMITS.avatarUrl },
    emailVerified: { type: Boolean, required: true, default: false },
    status: { type: String, enum: USER_STATUSES, required: true, default: 'active' },
    roles: { type: [{ type: String, enum: ROLES }], required: true, default: ['user'] },
    metadata: { type: Object },
    createdAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    deletedAt: { type: Date },
    purgeAt: { type: Date },
    previousStatus: { type: String, enum: USER_STATUSES },
    statusReason: { type: String, maxlength: USER_LIMITS.statusReason },
    legalHold: { type: Boolean },
    lastSignInAt: { type: Date },
    /** When its owner was warned that nobody had signed in for long; gone as soon as somebody does. */
    dormancyWarnedAt: { type: Date },
    passwordChangedAt: { type: Date },
    /** The kinds of second factor among its credentials, kept by the transactions that add and remove them. */
    secondFactors: { type: [{ type: String, enum: SECOND_FACTORS }], default: undefined },
    /** Counts its sign-ins and the changes of its credentials and identities, so that two of them conflict. */
    waysInRevision: { type: Number },
    /** What belongs to it has still to follow its deletion or its restoration. Absent once that is done. */
    settling: { type: Boolean },
    /** Counts documents that come to refer to it, so that this conflicts with its deletion. No change that a reader sees. */
    childrenRevision: { type: Number },
    /** What search finds names by. */
    firstNameKey: { type: String, maxlength: USER_LIMITS.name * 2, kept: NAME_KEY },
    lastNameKey: { type: String, maxlength: USER_LIMITS.name * 2, kept: NAME_KEY },
    /** Moves with each change, also of what a reader is not shown, but not as `waysInRevision` does; the ETag is made of it. */
    revision: { type: Number, required: true, default: 1 },
  },
  { collection: 'users', timestamps: true, versionKey: false, minimize: false },
);

// Every list of users is served in order by one of these; `user-list.ts` says which.
userSchema.index({ email: 1 }, { name: 'idx_users_email', unique: true });
userSchema.index({ createdAt: 1, _id: 1 }, { name: 'idx_users_created_at' });
userSchema.index({ status: 1, _id: 1 }, { name: 'idx_users_status' });
userSchema.index({ status: 1, createdAt: 1, _id: 1 }, { name: 'idx_users_status_created_at' });
userSchema.index({ status: 1, email: 1 }, { name: 'idx_users_status_email' });
userSchema.index({ status: 1, lastNameKey: 1, _id: 1 }, { name: 'idx_users_status_last_name_key' });
userSchema.index({ status: 1, firstNameKey: 1, _id: 1 }, { name: 'idx_users_status_first_name_key' });
userSchema.index({ emailVerified: 1, _id: 1 }, { name: 'idx_users_email_verified' });
userSchema.index({ roles: 1, _id: 1 }, { name: 'idx_users_roles' });

// Those that the schedule looks for: to be purged, dormant, never used.
userSchema.index(
  { purgeAt: 1 },
  { name: 'idx_users_purge_at', partialFilterExpression: { purgeAt: { $exists: true } } },
);
userSchema.index(
  { settling: 1, _id: 1 },
  { name: 'idx_users_settling', partialFilterExpression: { settling: { $exists: true } } },
);
userSchema.index({ status: 1, lastSignInAt: 1, createdAt: 1 }, { name: 'idx_users_status_last_sign_in_at_created_at' });

export const User = model('User', userSchema);

/** A user as stored and read lean. `passwordHash` is there only where a query asked for it. */
export type UserRecord = InferSchemaType<typeof userSchema> & { _id: Types.ObjectId };
