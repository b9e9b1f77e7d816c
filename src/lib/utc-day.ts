/** Days as `2026-11-25`, in UTC: they sort as texts as they do in time. */
export type UtcDay = string;

const DAY_MS = 86_400_000;

export const dayOf = (time: Date): UtcDay => time.toISOString().slice(0, 10);

/** When a day begins; an invalid date for a day that no calendar has. */
export const startOf = (day: UtcDay): Date => new Date(`${day}T00:00:00.000Z`);

export const endOf = (day: UtcDay): Date => new Date(startOf(day).getTime() + DAY_MS);

export const addDays = (day: UtcDay, days: number): UtcDay => dayOf(new Date(startOf(day).getTime() + days * DAY_MS));

/** The same day of a later month; where that month is shorter, as many days into the next one. */
export function addMonths(day: UtcDay, months: number): UtcDay {
  const date = startOf(day);
  return dayOf(new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, date.getUTCDate())));
}
