import { countActivity } from '../models/activity-count.ts';
import type { Job } from './runner.ts';

/** Hourly, and so shortly after midnight too: counts sign-ups, sign-ins, deletions and active accounts of each day. */
export const countActivityDaily: Job = {
  name: 'count-activity',
  schedule: '7 * * * *',
  run: (signal) => countActivity(signal),
};
