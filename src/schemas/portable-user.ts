import { Type } from 'typebox';
import { ROLES, USER_LIMITS } from '../models/user.ts';
import { IMPORTED_STATUSES } from '../models/user-import.ts';
import { closed, Timestamp } from './common.ts';
import { SignUp } from './user.ts';

/** An account in a file: what export writes and import reads, one a line. The rules are those of sign-up. */
export const PortableUser = closed({
  email: SignUp.properties.email,
  passwordHash: Type.Optional(Type.String({ minLength: 1, maxLength: USER_LIMITS.passwordHash })),
  firstName: SignUp.properties.firstName,
  lastName: SignUp.properties.lastName,
  avatarUrl: SignUp.properties.avatarUrl,
  emailVerified: Type.Optional(Type.Boolean()),
  status: Type.Optional(Type.Enum([...IMPORTED_STATUSES])),
  roles: Type.Optional(Type.Array(Type.Enum([...ROLES]), { minItems: 1, maxItems: ROLES.length, uniqueItems: true })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  createdAt: Type.Optional(Timestamp),
});

/** In the order in which they are written. */
export const PORTABLE_FIELDS = Object.keys(PortableUser.properties) as (keyof typeof PortableUser.properties)[];
