import { Type } from 'typebox';
import { ROLES, USER_LIMITS } from '../models/user.ts';
import { IMPORTED_STATUSES } from '../models/user-import.ts';
import { closed } from './common.ts';
import { SignUp } from './user.ts';

/** An account in a file: what export writes and import reads, one a line. The rules are those of sign-up. */
export const PortableUser = closed({
  email: SignUp.properties.email,
  passwordHash: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: USER_LIMITS.passwordHash,
      description:
        'bcrypt as `$2a$`, `$2b$` or `$2y$`, or a PHC string (`$id$name=value,…$salt$digest`, in base64 without padding): `$argon2id$v=19$m=…,t=…,p=…`, likewise argon2i and argon2d; `$scrypt$ln=…,r=…,p=…`; `$pbkdf2-sha256$i=…`, likewise sha1 and sha512; `$firebase-scrypt$ln=…,r=…,sep=…`, without the signer key; `$sha256$salt=prefix` or `salt=suffix`, likewise sha1 and sha512.',
    }),
  ),
  firstName: SignUp.properties.firstName,
  lastName: SignUp.properties.lastName,
  avatarUrl: SignUp.properties.avatarUrl,
  emailVerified: Type.Optional(Type.Boolean({ description: 'Whether the mailbox was proven. Default: false.' })),
  status: Type.Optional(
    Type.Enum([...IMPORTED_STATUSES], {
      description:
        '`inactive`: laid down by its owner, or unused for long; `suspended`: closed by an admin. Default: active.',
    }),
  ),
  roles: Type.Optional(
    Type.Array(Type.Enum([...ROLES]), {
      minItems: 1,
      maxItems: ROLES.length,
      uniqueItems: true,
      description: 'In CSV joined by `;`. Default: user alone.',
    }),
  ),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        'A JSON object of at most 4096 bytes and four levels; no key has a dot or begins with `$`. In CSV its JSON.',
    }),
  ),
  createdAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'ISO 8601 with a time zone. Default: now.' }),
  ),
});

/** In the order in which they are written. */
export const PORTABLE_FIELDS = Object.keys(PortableUser.properties) as (keyof typeof PortableUser.properties)[];
