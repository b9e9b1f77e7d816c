import { ROLES, USER_STATUSES, User } from '../models/user.ts';
import { namesOf } from '../models/user-names.ts';
import * as wire from '../schemas/user.ts';
import { defineCollection } from './define.ts';

export const users = defineCollection({
  model: User,
  purpose: 'The accounts: who they are, how they sign in, what they may do and where they stand in their life.',
  public: {
    email: 'Trimmed, NFC, lower-cased, domain in ASCII (IDNA); validated after normalising. Belongs to one account.',
    firstName:
      'NFC, trimmed, inner white space collapsed; markup, control and bidirectional-override characters removed.',
    lastName: 'As `firstName`.',
    avatarUrl: 'Absolute https URL; http for localhost only; no credentials.',
    emailVerified: 'Whether the mailbox was proven.',
    status: 'Moves by the state machine below.',
    roles: 'Never writable by the account itself.',
    metadata:
      'JSON object of the client’s own: at most 4 KiB, at most four levels deep, no key with a dot or a leading `$`.',
    createdAt: 'Set once.',
    updatedAt: 'Moves as `revision` does.',
  },
  admin: {
    statusReason: 'Why an admin changed the status.',
    lastSignInAt: 'Of the last successful sign-in.',
    deletedAt: 'Of the soft delete.',
    purgeAt: 'Until then a deleted account can be restored; from then on it is removed for good.',
    legalHold: 'While true, the account can neither be deleted nor purged.',
  },
  private: {
    _id: 'On the wire as `id`.',
    passwordHash:
      'argon2id, or an imported hash of another kind until the next sign-in. Never selected by default, never on the wire.',
    previousStatus: 'What a restore goes back to.',
    dormancyWarnedAt: 'When its owner was warned that nobody had signed in for long; gone with the next sign-in.',
    passwordChangedAt: 'Of the last change of the password.',
    secondFactors: 'Kinds of second factor among its credentials: whether a password alone signs in.',
    waysInRevision: 'Counts sign-ins and changes of credentials and identities, so that two at once conflict.',
    settling: 'What belongs to it has still to follow its deletion or its restoration.',
    childrenRevision: 'Counts documents that come to refer to it, so that this and its deletion at once conflict.',
    sealedFirstName: 'In place of `firstName`, where names are encrypted (`ENCRYPT_NAMES`).',
    sealedLastName: 'In place of `lastName`, where names are encrypted.',
    firstNameKey:
      'What search finds the first name by: itself, lower-cased; where names are encrypted, a keyed hash of that.',
    lastNameKey: 'The same for the last name.',
    revision:
      'Moves with each change, also of what a reader is not shown, but not with sign-ins, credentials and identities. The `ETag` is made of it.',
  },
  archived: [
    'email',
    'firstName',
    'lastName',
    'sealedFirstName',
    'sealedLastName',
    'avatarUrl',
    'emailVerified',
    'status',
    'roles',
    'metadata',
    'createdAt',
    'updatedAt',
    'lastSignInAt',
    'passwordChangedAt',
    'secondFactors',
  ],
  opened: (keyring, user) => namesOf(keyring, user as never),
  computed: { id: '`_id` as 24 hexadecimal characters.' },
  indexes: {
    idx_users_email: 'One account for an email; sign-in; search by prefix of an email; order by email.',
    idx_users_created_at: 'Order and filter by time of creation.',
    idx_users_status: 'Filter by status, newest first.',
    idx_users_status_created_at: 'Filter by status, order by time of creation.',
    idx_users_status_email: 'Search by prefix of an email within a status; filter by status, order by email.',
    idx_users_status_last_name_key: 'Search by a last name, or its prefix, within a status.',
    idx_users_status_first_name_key: 'Search by a first name, or its prefix, within a status.',
    idx_users_email_verified: 'Filter by proven mailbox, newest first.',
    idx_users_roles: 'Filter by role, newest first; whether an admin is left.',
    idx_users_purge_at: 'Deleted accounts that are to be purged.',
    idx_users_settling: 'Those whose belongings are still to follow them.',
    idx_users_status_last_sign_in_at_created_at: 'Accounts that nobody has signed in to for long, or ever.',
  },
  relations: [],
  enums: { 'User status': USER_STATUSES, Role: ROLES },
  retention:
    'As long as the account exists. A deleted account keeps its email reserved and can be restored until `purgeAt` (`DELETED_USER_RETENTION_DAYS` after the deletion); then the job `retention` removes it with all that belongs to it. Unused ones go by `UNVERIFIED_RETENTION_DAYS`, dormant ones become inactive by `DORMANCY_MONTHS`.',
  wire: [wire.User, wire.AdminUser],
});
