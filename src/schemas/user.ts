import { type TSchema, Type } from 'typebox';
import { ROLES, USER_LIMITS, USER_STATUSES } from '../models/user.ts';
import { closed, Id, named, Page, pageQuery, ref, Timestamp } from './common.ts';

export const Email = Type.String({
  minLength: 3,
  maxLength: 320,
  description: 'Stored trimmed and lower-cased.',
  examples: ['ada@example.com'],
});
/** Generous on the wire: the policy counts code points after normalising and names every reason at once. */
export const Password = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: 'Any characters, spaces and emoji included.',
});
const Name = Type.String({
  minLength: 1,
  maxLength: USER_LIMITS.name,
  description: 'Markup and control characters are removed.',
});
const AvatarUrl = Type.String({
  minLength: 1,
  maxLength: USER_LIMITS.avatarUrl,
  description: 'An absolute https URL.',
});
const Metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: 'A small JSON object of the client’s own.',
});
const Reason = Type.String({
  minLength: 1,
  maxLength: USER_LIMITS.statusReason,
  description: 'Kept with the status and in the audit trail.',
});
const Roles = Type.Array(Type.Enum([...ROLES]), { minItems: 1, maxItems: ROLES.length, uniqueItems: true });
const removable = <T extends TSchema>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()], { description: '`null` removes it.' }));

const account = {
  id: Id,
  email: Type.String(),
  firstName: Type.Optional(Type.String()),
  lastName: Type.Optional(Type.String()),
  avatarUrl: Type.Optional(Type.String()),
  emailVerified: Type.Boolean(),
  status: Type.Enum([...USER_STATUSES]),
  roles: Type.Array(Type.Enum([...ROLES])),
  metadata: Type.Optional(Metadata),
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

export const USER_EXAMPLE = {
  id: '665f1c2e9b1e8a0012345678',
  email: 'ada@example.com',
  firstName: 'Ada',
  lastName: 'Lovelace',
  emailVerified: false,
  status: 'active',
  roles: ['user'],
  createdAt: '2026-11-23T10:15:00.000Z',
  updatedAt: '2026-11-23T10:15:00.000Z',
};

export const User = named('User', account, {
  description: 'An account, as its owner sees it.',
  examples: [USER_EXAMPLE],
});

export const AdminUser = named(
  'AdminUser',
  {
    ...account,
    statusReason: Type.Optional(Type.String()),
    lastSignInAt: Type.Optional(Timestamp),
    deletedAt: Type.Optional(Timestamp),
    purgeAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'Until then the account can be restored.' }),
    ),
    legalHold: Type.Optional(
      Type.Boolean({ description: 'Whether the account is kept from being deleted and purged.' }),
    ),
  },
  {
    description: 'An account, as an admin sees it.',
    examples: [{ ...USER_EXAMPLE, lastSignInAt: '2026-11-23T10:20:00.000Z' }],
  },
);

export const SignUp = named(
  'SignUp',
  {
    email: Email,
    password: Password,
    firstName: Type.Optional(Name),
    lastName: Type.Optional(Name),
    avatarUrl: Type.Optional(AvatarUrl),
  },
  {
    examples: [
      { email: 'ada@example.com', password: 'correct horse battery staple', firstName: 'Ada', lastName: 'Lovelace' },
    ],
  },
);

export const NewUser = named(
  'NewUser',
  {
    email: Email,
    firstName: Type.Optional(Name),
    lastName: Type.Optional(Name),
    avatarUrl: Type.Optional(AvatarUrl),
    metadata: Type.Optional(Metadata),
    roles: Type.Optional(Roles),
  },
  { examples: [{ email: 'grace@example.com', firstName: 'Grace', lastName: 'Hopper', roles: ['user'] }] },
);

export const UserPatch = named(
  'UserPatch',
  {
    firstName: removable(Name),
    lastName: removable(Name),
    avatarUrl: removable(AvatarUrl),
    metadata: removable(Metadata),
  },
  {
    minProperties: 1,
    description: 'A merge patch (RFC 7396).',
    examples: [{ firstName: 'Augusta Ada', avatarUrl: null }],
  },
);

export const AdminUserPatch = named(
  'AdminUserPatch',
  { ...UserPatch.properties, roles: Type.Optional(Roles) },
  { minProperties: 1, description: 'A merge patch (RFC 7396).', examples: [{ roles: ['user', 'support'] }] },
);

export const PasswordChange = named(
  'PasswordChange',
  { currentPassword: Password, newPassword: Password },
  { examples: [{ currentPassword: 'correct horse battery staple', newPassword: 'four random words again' }] },
);

export const StatusChange = named(
  'StatusChange',
  { reason: Reason },
  { examples: [{ reason: 'Reported for spam, ticket 4711' }] },
);

export const Erasure = named(
  'Erasure',
  {
    id: Id,
    status: Type.Enum(['purged', 'under-way'], {
      description: '`under-way`: the rest is removed by the job `retention`, within the hour.',
    }),
    erasedAt: Timestamp,
    ledgerEntry: Type.Optional(
      Type.String({ description: 'As in the ledger that a restored backup is compared with: it names nobody.' }),
    ),
    removed: Type.Optional(
      Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
        description: 'How many documents went with the account, by collection.',
        examples: [{ sessions: 2, credentials: 1 }],
      }),
    ),
    detached: Type.Optional(
      Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
        description: 'How many documents stay without naming the account, by collection.',
        examples: [{ invitations: 1 }],
      }),
    ),
    auditEvents: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Events of the audit trail that hold nothing personal any more.' }),
    ),
    remains: Type.Array(Type.String(), { description: 'What is not gone yet, and until when.' }),
  },
  { description: 'The receipt of an erasure.' },
);

export const ResetOrder = named(
  'ResetOrder',
  { reason: Type.Optional(Reason) },
  { examples: [{ reason: 'Asked for on the telephone, ticket 4711' }] },
);

export const UserListQuery = closed({
  ...pageQuery,
  status: Type.Optional(
    Type.Enum([...USER_STATUSES], { description: 'Deleted accounts are listed only if asked for.' }),
  ),
  emailVerified: Type.Optional(Type.Boolean()),
  role: Type.Optional(Type.Enum([...ROLES])),
  createdAfter: Type.Optional(Timestamp),
  createdBefore: Type.Optional(Timestamp),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description:
        'Beginning of an email, a last name or a first name. Where names are encrypted (`ENCRYPT_NAMES`): a whole name, in any case.',
    }),
  ),
  sort: Type.Optional(
    Type.Enum(['id', '-id', 'createdAt', '-createdAt', 'email', '-email'], {
      description: 'Newest first unless given. Pairs of filter and sort that no index serves are refused.',
    }),
  ),
  total: Type.Optional(Type.Boolean({ description: 'Count all matches too, up to 10,000.' })),
});

export const AdminUserPage = named('AdminUserPage', {
  ...Page(ref(AdminUser), 'users').properties,
  total: Type.Optional(Type.Integer({ description: 'All matches, counted up to 10,000.' })),
  totalCapped: Type.Optional(Type.Boolean({ description: 'Whether there are more than counted.' })),
});
