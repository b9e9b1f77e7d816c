import { Timeline } from '../models/journal-timeline.ts';
import { defineCollection } from './define.ts';

export const journalTimelines = defineCollection({
  model: Timeline,
  purpose: 'How far the journal has been shipped, by the place where it goes: an unbroken line of segments each.',
  public: {},
  admin: {},
  private: {
    _id: 'Random; the directory of its segments.',
    location: 'Where they are stored, without credentials.',
    startedAt: 'When the line began.',
    sequence: 'Of the last segment; 0 before the first.',
    segment: 'File name of the last segment.',
    hash: 'SHA-256 of that file.',
    through: 'Whatever was acknowledged before is in a segment.',
  },
  computed: {},
  indexes: { idx_journal_timelines_location: 'One line for a place.' },
  relations: [],
  enums: {},
  retention: 'Never removed: one for each place that backups ever went to.',
  notBackedUp: 'A database that was restored begins a line of its own.',
  notJournaled: 'Tells how far the journal itself is.',
  wire: [],
});
