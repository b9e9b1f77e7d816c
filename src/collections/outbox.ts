import { MAIL_TEMPLATES } from '../lib/mail/messages.ts';
import { Outbox } from '../models/outbox.ts';
import { defineCollection } from './define.ts';

export const outbox = defineCollection({
  model: Outbox,
  purpose: 'Mail to deliver, written in the transaction of the change that it tells of.',
  public: {},
  admin: {},
  private: {
    _id: 'Also in the `Message-ID`, so that a mail that left twice is seen to be one.',
    template: 'Which mail it is.',
    userId: 'The account that it is about, if there is one.',
    message: 'Addressee and what the template is filled with, as encrypted JSON.',
    attempts: 'Tries so far.',
    dueAt: 'When it is tried next; moved ahead while a worker tries, which is its lease. Absent once it is done.',
    createdAt: 'Of the change.',
    sentAt: 'When the mail server took it.',
    failedAt: 'When it was given up.',
    failure: 'Code of the last try’s error.',
    expiresAt: 'When the record goes.',
  },
  archived: ['template', 'createdAt', 'sentAt', 'failedAt'],
  computed: {},
  indexes: {
    idx_outbox_due_at: 'The mail that is due, longest waiting first.',
    idx_outbox_user_id: 'The mail of an account.',
    idx_outbox_expires_at: 'TTL: a record of delivered or given up mail is removed.',
  },
  relations: [
    { path: 'userId', to: 'users', many: true, verb: 'is told by', onDelete: 'Removed with the account, or by TTL.' },
  ],
  enums: { 'Mail template': MAIL_TEMPLATES },
  retention: '7 days, by TTL on `expiresAt`.',
  notJournaled: 'Not sent any more when a database is restored.',
  wire: [],
});
