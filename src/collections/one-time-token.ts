import { OneTimeToken, TOKEN_PURPOSES } from '../models/one-time-token.ts';
import { defineCollection } from './define.ts';

export const oneTimeTokens = defineCollection({
  model: OneTimeToken,
  purpose:
    'Secrets that work once: mailed links and codes, and the steps of a flow that must not be entered in the middle.',
  public: {},
  admin: {},
  private: {
    _id: 'Names a token whose code is being guessed.',
    purpose: 'What it is good for; for anything else it is no token at all.',
    hash: 'SHA-256 of the token; the token itself is stored nowhere.',
    userId: 'Whose it is; absent in a flow that has yet to find out who comes.',
    payload: 'What the flow goes on with, as encrypted JSON.',
    attempts: 'Wrong codes given with it.',
    createdAt: 'When it was made.',
    expiresAt: 'Until when it works: 5 minutes to 24 hours by purpose.',
  },
  archived: ['purpose', 'createdAt', 'expiresAt'],
  computed: {},
  indexes: {
    idx_one_time_tokens_hash: 'Finding and using up a token.',
    idx_one_time_tokens_user_id_purpose: 'Ending the tokens of an account, all or of one purpose.',
    idx_one_time_tokens_expires_at: 'TTL: an expired token is removed. Expiry itself is compared at every use.',
  },
  relations: [
    {
      path: 'userId',
      to: 'users',
      many: true,
      verb: 'is mailed',
      onDelete: 'Ended in the transaction that changes the status, the password or the email of the account.',
    },
  ],
  enums: { 'Token purpose': TOKEN_PURPOSES },
  retention: 'Removed when it is used or overtaken; at the latest by TTL on `expiresAt`.',
  notJournaled: 'Void when a database is restored.',
  wire: [],
});
