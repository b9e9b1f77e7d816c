import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newBackupId, timeOfBackup } from '../../src/backup/manifest.ts';
import { KEPT, outdated } from '../../src/backup/rotation.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2025, 0, 1, 2, 17);

const kept = (ids: readonly string[]) => ids.filter((id) => !outdated(ids).includes(id));
const days = (ids: readonly string[]) => ids.map((id) => timeOfBackup(id).toISOString().slice(0, 10));

describe('rotation', () => {
  it('after two years of daily backups keeps 7 days, 4 weeks and 12 months', () => {
    let ids: string[] = [];
    for (let day = 0; day < 730; day += 1) ids = kept([...ids, newBackupId(new Date(START + day * DAY_MS))]);
    expect(days(ids)).toEqual([
      ...['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30', '2026-07-31'],
      // Two Sundays, before the week whose days are kept.
      ...['2026-08-31', '2026-09-30', '2026-10-31', '2026-11-30', '2026-12-13', '2026-12-20'],
      ...['2026-12-25', '2026-12-26', '2026-12-27', '2026-12-28', '2026-12-29', '2026-12-30', '2026-12-31'],
    ]);
  });

  it('of several on one day keeps the last, and the first of all while the days are few', () => {
    const ids = [1, 5, 9].map((hour) => newBackupId(new Date(START + hour * 3_600_000)));
    expect(kept(ids)).toEqual([ids[0], ids[2]]);
    const older = Array.from({ length: 7 }, (_, day) => newBackupId(new Date(START - (day + 1) * DAY_MS)));
    expect(kept([...older, ...ids])).not.toContain(ids[0]);
  });

  it('keeps those of long ago where there are no new ones', () => {
    const ids = Array.from({ length: KEPT.days }, (_, n) => newBackupId(new Date(START + n * DAY_MS)));
    expect(kept(ids)).toEqual(ids);
  });

  it('never removes the newest, and removes nothing more when asked again', () => {
    const times = fc.array(fc.integer({ min: START, max: START + 900 * DAY_MS }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(times, (at) => {
        const ids = at.map((time) => newBackupId(new Date(time)));
        const left = kept(ids);
        expect(left).toContain([...ids].sort().at(-1));
        expect(left.length).toBeLessThanOrEqual(KEPT.days + KEPT.weeks + KEPT.months);
        expect(outdated(left)).toEqual([]);
      }),
    );
  });
});
