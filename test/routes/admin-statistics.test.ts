import { Binary } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDays, addMonths, dayOf, endOf, type UtcDay } from '../../src/lib/utc-day.ts';
import { Activity } from '../../src/models/activity.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';
import { quickest } from '../helpers/quickest.ts';

const URL = '/v1/admin/statistics';
const BOUND_MS = 50;

let service: TestApp;
let admin: Person;
const today = dayOf(new Date());
const oldest = addMonths(today, -25);
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  const days: UtcDay[] = [];
  for (let day = oldest; day <= today; day = addDays(day, 1)) days.push(day);
  // As many days as can be asked for; the newest two months have what their later days need.
  await Activity.collection.insertMany(
    days.map((day, n) => ({
      ...{ _id: day as never, signUps: n, signIns: 10 * n, deletions: 1, activeDay: n, activeWeek: n, activeMonth: n },
      countedUntil: day === today ? new Date() : endOf(day),
      ...(n > days.length - 61 && { accounts: new Binary(Buffer.alloc(16_385, 1)) }),
      expiresAt: endOf(addMonths(day, 25)),
    })),
  );
});
afterAll(() => service.close());

const read = (query = '') => admin.call('GET', `${URL}${query}`);

describe('statistics', () => {
  it('have one item a day, oldest first, with all measures and nothing else', async () => {
    const { items, from, to } = (await read(`?from=${addDays(today, -2)}&to=${today}`)).json();
    expect([from, to]).toEqual([addDays(today, -2), today]);
    const days = items.map(({ day, complete }: Record<string, unknown>) => [day, complete]);
    expect(days).toEqual([
      [addDays(today, -2), true],
      [addDays(today, -1), true],
      [today, false],
    ]);
    expect(Object.keys(items[0]).sort()).toEqual(
      ['activeDay', 'activeMonth', 'activeWeek', 'complete', 'day', 'deletions', 'signIns', 'signUps'].sort(),
    );
  });

  it('are of the last 30 days unless asked otherwise', async () => {
    const { items } = (await read()).json();
    expect([items.length, items[0].day, items.at(-1).day]).toEqual([30, addDays(today, -29), today]);
  });

  it('leave out what was not counted', async () => {
    const { items } = (await read(`?from=${addDays(today, 1)}&to=${addDays(today, 9)}`)).json();
    expect(items).toEqual([]);
  });

  it(`of 25 months are one read, answered in under ${BOUND_MS} ms`, async () => {
    const query = `?from=${oldest}&to=${today}`;
    const sent = await commandsOf(async () => {
      const { items } = (await read(query)).json();
      expect(items.length).toBeGreaterThan(755);
      expect(items[0].day).toBe(oldest);
    });
    expect(sent).toEqual(['find sessions', 'find activity_daily']);
    expect(await quickest(BOUND_MS, () => read(query))).toBeLessThan(BOUND_MS);
  });

  it.each([
    ['more than 25 months', `from=${addDays(oldest, -1)}&to=${today}`],
    ['an end before its beginning', `from=${today}&to=${addDays(today, -1)}`],
    ['a day that no calendar has', 'from=2026-02-30'],
    ['a time', 'to=2026-02-01T00:00:00Z'],
    ['a measure', 'measure=signUps'],
  ])('are refused for %s', async (_what, query) => {
    expect(outcome(await read(`?${query}`))).toBe('400 validation-failed');
  });

  it('are for admins alone', async () => {
    const support = await person(service, { roles: ['support'] });
    expect(outcome(await support.call('GET', URL))).toBe('403 forbidden');
  });
});
