import { Type } from 'typebox';
import { AUTHENTICATION_METHODS } from '../models/session.ts';
import { closed, Id, named, Page, pageQuery, ref, Timestamp } from './common.ts';
import { User } from './user.ts';

export const Session = named(
  'Session',
  {
    id: Id,
    current: Type.Boolean({ description: 'Whether it is the session of this request.' }),
    authenticationMethods: Type.Array(Type.Enum([...AUTHENTICATION_METHODS])),
    ip: Type.Optional(Type.String()),
    userAgent: Type.Optional(Type.String()),
    device: Type.Optional(
      Type.String({
        description: 'Browser and system as the user agent names them.',
        examples: ['Firefox on Windows'],
      }),
    ),
    createdAt: Timestamp,
    lastUsedAt: Type.String({ format: 'date-time', description: 'When it was last refreshed.' }),
    expiresAt: Type.String({ format: 'date-time', description: 'When it ends at the latest.' }),
  },
  { description: 'A signed-in device.' },
);

const SESSION_TRANSPORTS = ['token', 'cookie'] as const;
export type SessionTransport = (typeof SESSION_TRANSPORTS)[number];

/** For the body of every way to sign in. */
export const signInTransport = {
  transport: Type.Optional(
    Type.Enum([...SESSION_TRANSPORTS], {
      default: 'token',
      description:
        'Where the tokens go: into the answer, or into cookies that no script can read. Cookies are for pages of the service itself or of `CORS_ORIGINS`.',
    }),
  ),
};

/** Of an earlier sign-in. */
export const deviceToken = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 128,
    description:
      'The `deviceToken` of an earlier sign-in on this device: wrong passwords of strangers then do not count against it.',
  }),
);

export const SignIn = named(
  'SignIn',
  {
    email: Type.String({ minLength: 3, maxLength: 320 }),
    password: Type.String({ minLength: 1, maxLength: 4096 }),
    deviceToken,
    ...signInTransport,
  },
  { examples: [{ email: 'ada@example.com', password: 'correct horse battery staple' }] },
);

export const Refresh = named(
  'Refresh',
  {
    refreshToken: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description: 'Works once: its successor is in the response. Without it that of the cookie is taken.',
      }),
    ),
  },
  { examples: [{ refreshToken: 'awQj6248oXdAoWs6AAAAAVe_uJOE7V9ozP8EcoYRKMMlvo9wW6eQw_bDN1D5Ps74' }] },
);

const tokens = {
  session: ref(Session),
  accessToken: Type.Optional(
    Type.String({
      description: 'For `Authorization: Bearer`; a JWT that lives for 10 minutes. Absent where it is a cookie.',
    }),
  ),
  accessTokenExpiresAt: Timestamp,
  refreshToken: Type.Optional(
    Type.String({
      description: 'For `POST /v1/sessions/refresh`; shown only here. Absent where it is a cookie.',
    }),
  ),
  refreshTokenExpiresAt: Type.String({ format: 'date-time', description: 'If it is not used before.' }),
};

export const SignedIn = named(
  'SignedIn',
  {
    ...tokens,
    deviceToken: Type.String({
      description: 'To be kept on the device, also when the session ends, and sent with its next sign-in.',
    }),
    user: ref(User),
  },
  { description: 'An open session with its tokens, and whose it is.' },
);

export const Refreshed = named('Refreshed', tokens, { description: 'The session with its new tokens.' });

export const SessionListQuery = closed(pageQuery);
export const SessionPage = named('SessionPage', Page(ref(Session), 'sessions').properties);
