import { JOB_OUTCOMES, JobState } from '../models/job.ts';
import * as wire from '../schemas/job.ts';
import { defineCollection } from './define.ts';

export const jobs = defineCollection({
  model: JobState,
  purpose: 'One document for each scheduled job: whose turn it is, and how the last run went.',
  public: {},
  admin: {
    schedule: 'A cron expression, in UTC.',
    dueAt: 'The scheduled time that the newest run is for.',
    nextAt: 'When it is due next.',
    startedAt: 'Of the newest run.',
    finishedAt: 'Of the last run that ended.',
    durationMs: 'Of that run, in milliseconds.',
    outcome: 'Of that run.',
    result: 'What that run did, in numbers.',
    failure: 'Why that run failed.',
    lastSuccessAt: 'When a run last ended well.',
  },
  private: {
    _id: 'Its name, on the wire as `name`.',
    leaseUntil:
      'Until when nobody else may begin: the lease of a run, or the pause after one that failed. Absent once it is done.',
  },
  computed: { name: '`_id`.', running: 'Whether an instance is at it.' },
  indexes: {},
  relations: [],
  enums: { 'Job outcome': JOB_OUTCOMES },
  retention: 'Kept: one document for each job.',
  notBackedUp: 'Leases and runs of the instances that there were; each job makes its own anew.',
  notJournaled: 'Leases and runs of the instances that there were.',
  wire: [wire.Job],
});
