import { ApiKey } from '../models/api-key.ts';
import * as wire from '../schemas/api-key.ts';
import { defineCollection } from './define.ts';

export const apiKeys = defineCollection({
  model: ApiKey,
  purpose: 'What services call with. One lean read by the prefix, joined with the maker, decides about each request.',
  public: {},
  admin: {
    name: 'What it is for.',
    prefix: 'Names it: the key begins with `rk_` and this.',
    permissions: 'What it was given; it may do what its maker may do as well.',
    createdAt: 'When it was made.',
    expiresAt: 'When it ends. Absent where it lives until it is deleted.',
    lastUsedAt: 'Of the last use, to the minute.',
  },
  private: {
    _id: 'On the wire as `id`.',
    userId: 'The account that made it, on the wire as `createdBy`.',
    hash: 'SHA-256 of the key; the key itself is stored nowhere.',
    authenticationMethods:
      'Of the session that made it: roles of `SECOND_FACTOR_ROLES` lend it nothing if that was not proven by two factors.',
    revision: 'Counts the changes that a reader makes; on the wire as the ETag.',
  },
  archived: ['name', 'prefix', 'permissions', 'createdAt', 'expiresAt', 'lastUsedAt'],
  computed: { id: '`_id` as 24 hexadecimal characters.', createdBy: '`userId` as 24 hexadecimal characters.' },
  indexes: {
    idx_api_keys_prefix: 'One key for a prefix; finding the key of a request.',
    idx_api_keys_user_id: 'The keys that an account made, newest first; removing them with it.',
    idx_api_keys_expires_at: 'TTL: an expired key is removed. Expiry itself is compared at every use.',
  },
  relations: [
    {
      path: 'userId',
      to: 'users',
      many: true,
      verb: 'answers for',
      onDelete: 'Refused while the account is suspended or deleted; removed with it.',
    },
  ],
  enums: {},
  retention: 'Until it is deleted; at the latest by TTL on `expiresAt`, where it has one.',
  wire: [wire.ApiKey],
});
