import { settleAll } from '../models/settling.ts';
import type { Job } from './runner.ts';

/**
 * Every minute: makes documents follow the deletion or the restoration of what they belong to, where whoever deleted or
 * restored that was interrupted before they had.
 */
export const settleDocuments: Job = {
  name: 'settle-documents',
  schedule: '* * * * *',
  run: async (signal) => ({ settled: await settleAll(signal) }),
};
