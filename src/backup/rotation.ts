import { timeOfBackup } from './manifest.ts';

/** For how many days, weeks and months with a backup the last one of each is kept. */
export const KEPT = Object.freeze({ days: 7, weeks: 4, months: 12 });

const DAY_MS = 86_400_000;

/** 1 January 1970 was a Thursday: weeks begin on Mondays, in UTC as all times here. */
const weekOf = (at: Date): string => String(Math.floor((at.getTime() / DAY_MS + 3) / 7));
const dayOf = (at: Date): string => at.toISOString().slice(0, 10);
const monthOf = (at: Date): string => at.toISOString().slice(0, 7);

/**
 * The ids of backups that need not be kept. A period without a backup does not count, so that nothing goes for the only
 * reason that no new one was made: the newest ones always stay.
 */
export function outdated(ids: readonly string[], kept = KEPT): string[] {
  const newestFirst = [...ids].sort().reverse();
  const periods = [
    [dayOf, kept.days],
    [weekOf, kept.weeks],
    [monthOf, kept.months],
  ] as const;
  const needed = new Set(periods.flatMap(([periodOf, count]) => lastOfEach(newestFirst, periodOf).slice(0, count)));
  // In the first days of a service, be there several on its day: the moments that can be restored begin with it.
  const first = newestFirst.at(-1);
  const days = new Set(newestFirst.map((id) => dayOf(timeOfBackup(id)))).size;
  return ids.filter((id) => !needed.has(id) && !(id === first && days <= kept.days));
}

function lastOfEach(newestFirst: readonly string[], periodOf: (at: Date) => string): string[] {
  const last = new Map<string, string>();
  for (const id of newestFirst) {
    const period = periodOf(timeOfBackup(id));
    if (!last.has(period)) last.set(period, id);
  }
  return [...last.values()];
}
