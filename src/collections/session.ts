import { AUTHENTICATION_METHODS, clientOf, Session } from '../models/session.ts';
import * as wire from '../schemas/session.ts';
import { defineCollection } from './define.ts';

export const sessions = defineCollection({
  model: Session,
  purpose: 'Signed-in devices. One lean read of a session by its id decides about each authenticated request.',
  public: {
    authenticationMethods: 'How the session was proven, in the words of RFC 8176.',
    createdAt: 'Of the sign-in.',
    lastUsedAt: 'Of the last refresh.',
    expiresAt: 'Its absolute end (`SESSION_LIFETIME_SECONDS` after the sign-in).',
  },
  admin: {},
  private: {
    _id: 'On the wire as `id`, and in access tokens as `sid`.',
    userId: 'The account.',
    status: 'Copy of the account’s, kept by the transactions that change it.',
    roles: 'Copy of the account’s, kept by the transactions that change it.',
    refreshTokenHash: 'SHA-256 of the refresh token that is current; the token itself is stored nowhere.',
    seed: 'Input of this session’s refresh tokens: neither the keyring nor a dump of the database alone yields one.',
    client: 'Address and agent that it was opened from, as JSON.',
    rotation: 'How often the refresh token was replaced.',
    rotatedAt: 'Of the last replacement; a retry within 10 s gets the same successor.',
    authenticatedAt: 'When the person last proved who they are.',
    idleExpiresAt: 'Its end if it is not refreshed before (`SESSION_IDLE_SECONDS`).',
  },
  archived: ['authenticationMethods', 'authenticatedAt', 'client', 'createdAt', 'lastUsedAt', 'expiresAt'],
  opened: clientOf,
  computed: {
    id: '`_id` as 24 hexadecimal characters.',
    ip: 'Of `client`: where it was signed in from.',
    userAgent: 'Of `client`: what it was signed in with, as it says.',
    current: 'Whether it is the session of the request.',
    device: 'What `userAgent` names, such as “Firefox on Windows”.',
  },
  indexes: {
    idx_sessions_refresh_token_hash: 'One session for a refresh token.',
    idx_sessions_user_id: 'The sessions of an account, newest first; ending them all.',
    idx_sessions_expires_at: 'TTL: an expired session is removed. Expiry itself is compared at every use.',
  },
  relations: [
    {
      path: 'userId',
      to: 'users',
      many: true,
      verb: 'signs in by',
      onDelete: 'Ended in the transaction that deletes the account.',
    },
  ],
  enums: { 'Authentication method': AUTHENTICATION_METHODS },
  retention: 'Removed when it ends; at the latest by TTL on `expiresAt`.',
  notJournaled: 'Ends when a database is restored.',
  wire: [wire.Session],
});
