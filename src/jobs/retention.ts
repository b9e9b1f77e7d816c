import type { Metrics } from '../metrics.ts';
import type { RetentionRule } from '../retention/rules.ts';
import { runRetention } from '../retention/run.ts';
import type { Job } from './runner.ts';

/** Hourly: what is due by the rules that no TTL index serves. */
export const retentionJob = (rules: readonly RetentionRule[], { retained }: Pick<Metrics, 'retained'>): Job => ({
  name: 'retention',
  schedule: '23 * * * *',
  run: (signal) => runRetention(rules, signal, (rule, count) => retained.inc({ rule }, count)),
});
