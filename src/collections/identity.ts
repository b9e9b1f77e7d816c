import { Identity } from '../models/identity.ts';
import { defineCollection } from './define.ts';

export const identities = defineCollection({
  model: Identity,
  purpose: 'Accounts of the same person at external providers, by which they sign in here.',
  public: {},
  admin: {},
  private: {
    _id: 'On the wire as `id`.',
    userId: 'The account.',
    provider: 'Id of the provider in the configuration.',
    subject: 'The provider’s `sub`: unlike an email it never passes to somebody else.',
    email: 'As the provider told it last, for the owner to recognise.',
    tokens: 'Tokens of the provider as JSON, encrypted; only where the configuration asks to keep them.',
    createdAt: 'When it was linked.',
    lastUsedAt: 'When it last signed in.',
  },
  archived: ['provider', 'subject', 'email', 'createdAt', 'lastUsedAt'],
  computed: {},
  indexes: {
    idx_identities_provider_subject: 'One account for an identity; sign-in by it.',
    idx_identities_user_id: 'The identities of an account.',
  },
  relations: [
    { path: 'userId', to: 'users', many: true, verb: 'is known as', onDelete: 'Kept while it can be restored.' },
  ],
  enums: {},
  retention: 'As long as the account, unless its owner unlinks it.',
  wire: [],
});
