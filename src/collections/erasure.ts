import { Erasure } from '../models/erasure.ts';
import { defineCollection } from './define.ts';

export const erasures = defineCollection({
  model: Erasure,
  purpose:
    'The ledger of accounts that are gone for good, so that the restore of a backup from before removes them again. It tells nobody whom it is about.',
  public: {},
  admin: {},
  private: {
    _id: 'HMAC-SHA256 of the id of the account under the key of the ledger; `key` is the document of that key.',
    erasedAt: 'When the account was removed.',
    key: 'Of the document `key` alone: what the hashes are made with.',
  },
  computed: {},
  indexes: {},
  relations: [],
  enums: {},
  retention: 'Kept: longer than the oldest backup.',
  wire: [],
});
