import { JournalShipping } from '../models/journal-shipping.ts';
import { defineCollection } from './define.ts';

export const journalShipping = defineCollection({
  model: JournalShipping,
  purpose: 'One document: how far the journal has been shipped beside the backups, and where to.',
  public: {},
  admin: {},
  private: {
    _id: '`current`.',
    timeline: 'Random; the directory of its segments.',
    location: 'Where they are stored, without credentials.',
    startedAt: 'When the line began.',
    sequence: 'Of the last segment; 0 before the first.',
    segment: 'File name of the last segment.',
    sha256: 'Of that file.',
    through: 'Whatever was acknowledged before is in a segment.',
  },
  computed: {},
  indexes: {},
  relations: [],
  enums: {},
  retention: 'Never removed.',
  notBackedUp: 'A database that was restored begins a line of its own.',
  notJournaled: 'Tells how far the journal itself is.',
  wire: [],
});
