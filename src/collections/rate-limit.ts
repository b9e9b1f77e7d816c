import { RateLimit } from '../models/rate-limit.ts';
import { defineCollection } from './define.ts';

export const rateLimits = defineCollection({
  model: RateLimit,
  purpose: 'Counters of requests, failed sign-ins and mails, shared by all instances; their shape is the library’s.',
  public: {},
  admin: {},
  private: {
    _id: 'Of no meaning.',
    key: 'Limit and MAC of what is counted (address, account, device, mailbox).',
    points: 'In this window.',
    expire: 'The end of the window, which begins with the first request.',
  },
  computed: {},
  indexes: { idx_rate_limits_key: 'Counting; one counter for a key.', idx_rate_limits_expire: 'TTL.' },
  relations: [],
  enums: {},
  retention: 'TTL on `expire`: with the window.',
  notBackedUp: 'Counts for minutes; those of a restored service begin anew.',
  notJournaled: 'Counts for minutes.',
  wire: [],
});
