import { IdempotencyKey } from '../models/idempotency-key.ts';
import { defineCollection } from './define.ts';

export const idempotencyKeys = defineCollection({
  model: IdempotencyKey,
  purpose: 'First responses to requests that carried an `Idempotency-Key`, kept to be given again.',
  public: {},
  admin: {},
  private: {
    _id: 'MAC of actor, route and key.',
    fingerprint: 'MAC of the body, to tell a retry from another request under the same key.',
    lockedUntil: 'While the first request runs: when its lease ends.',
    statusCode: 'Of the response.',
    headers: '`Location` and `ETag` of the response.',
    body: 'Of the response; it may hold personal data.',
    expiresAt: '24 hours after the request.',
  },
  computed: {},
  indexes: { idx_idempotency_keys_expires_at: 'TTL.' },
  relations: [],
  enums: {},
  retention: 'TTL on `expiresAt`, 24 hours.',
  notBackedUp: 'Would tell of changes that a restored database may not hold.',
  notJournaled: 'Goes within a day.',
  wire: [],
});
