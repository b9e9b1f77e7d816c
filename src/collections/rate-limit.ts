import { RateLimit } from '../models/rate-limit.ts';
import { defineCollection } from './define.ts';

export const rateLimits = defineCollection({
  model: RateLimit,
  purpose: 'Counters of requests, failed sign-ins and mails, shared by all instances.',
  public: {},
  admin: {},
  private: {
    _id: 'Limit, window and MAC of what is counted (address, session, account or email).',
    count: 'In this window.',
    expiresAt: 'The end of the window.',
  },
  computed: {},
  indexes: { idx_rate_limits_expires_at: 'TTL.' },
  relations: [],
  enums: {},
  retention: 'TTL on `expiresAt`: with the window.',
  wire: [],
});
