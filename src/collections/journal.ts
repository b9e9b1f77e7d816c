import { Journal } from '../models/journal.ts';
import { defineCollection } from './define.ts';

export const journal = defineCollection({
  model: Journal,
  purpose:
    'What documents were after each change, for the state of any moment. Written in the transaction of the change.',
  public: {},
  admin: {},
  private: {
    _id: 'Of the entry.',
    transactionId: 'The same for all that one transaction changed.',
    at: 'When that was about to commit, by the clock of the service.',
    collection: 'Whose document it is.',
    documentId: 'Of the document.',
    revision: 'Counts the changes of the document: the image with the highest is the last.',
    image: 'The document after the change. Absent once it is removed.',
    accounts: 'Accounts that the image names, which take the entry along when they are erased.',
    unshipped: 'True until it stands beside the backups.',
    expiresAt: 'When it goes. Absent until it has been shipped.',
  },
  computed: {},
  indexes: {
    idx_journal_collection_document_id_revision: 'The images of a document.',
    idx_journal_accounts: 'What goes with an erased account.',
    idx_journal_image_email: 'Invitations of the email of an erased account.',
    idx_journal_unshipped_at: 'What is still to be shipped, the oldest first.',
    idx_journal_expires_at: 'TTL: an entry goes after its time.',
  },
  relations: [],
  enums: {},
  retention:
    '7 days from when it was shipped, or from when it was written where nobody ships; what an erased account had goes with it, what is purged with the purge.',
  notBackedUp: 'A backup holds of it what was written while it was made; segments beside the backups hold the rest.',
  notJournaled: 'The journal itself.',
  wire: [],
});
