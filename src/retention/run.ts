import type { JobRule, RetentionRule } from './rules.ts';

/** How many documents each rule was for, by its name. */
export type RetentionCounts = Readonly<Record<string, number>>;

const isJob = (rule: RetentionRule): rule is JobRule => rule.by === 'job';

/**
 * Does what is due by the rules that no TTL index serves, one after the other. What a rule has done stays done, whatever
 * becomes of the next ones.
 */
export async function runRetention(
  rules: readonly RetentionRule[],
  signal: AbortSignal,
  done: (rule: string, count: number) => void = () => {},
): Promise<RetentionCounts> {
  const counts: Record<string, number> = {};
  for (const rule of rules.filter(isJob)) {
    if (signal.aborted) break;
    counts[rule.name] = await rule.run(signal);
    done(rule.name, counts[rule.name] ?? 0);
  }
  return counts;
}

/** What `runRetention` would do now. */
export async function countDue(rules: readonly RetentionRule[]): Promise<RetentionCounts> {
  const counted = rules.filter(isJob).map(async (rule) => [rule.name, await rule.count()] as const);
  return Object.fromEntries(await Promise.all(counted));
}
