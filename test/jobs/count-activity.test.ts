import { Types } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addDays, dayOf, endOf, startOf } from '../../src/lib/utc-day.ts';
import { Activity, readActivity, replaceActivity } from '../../src/models/activity.ts';
import { countActivity } from '../../src/models/activity-count.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { toId } from '../../src/models/ids.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { passTime, stopTheClock } from '../helpers/clock.ts';
import { commandsOf } from '../helpers/commands.ts';
import { call, freshEmail, PASSWORD, type Person, person, refresh, signIn } from '../helpers/people.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let service: TestApp;
let admin: Person;
/** The first day that something happens on. */
let first: string;
stopTheClock();
beforeAll(async () => {
  service = await buildTestApp();
  first = dayOf(new Date(Date.now() + DAY_MS));
  vi.setSystemTime(startOf(first).getTime() + 12 * HOUR_MS);
});
afterAll(() => service.close());

const run = (signal = new AbortController().signal) => countActivity(signal);

async function day(which: string) {
  const record = await Activity.findById(which, { accounts: 0, expiresAt: 0, _id: 0 }).lean();
  if (!record) throw new Error(`${which} was not counted`);
  const { countedUntil, ...numbers } = record;
  return { ...numbers, complete: countedUntil >= endOf(which) };
}

const numbers = (signUps: number, signIns: number, deletions: number, active: [number, number, number]) => {
  const [activeDay, activeWeek, activeMonth] = active;
  return { signUps, signIns, deletions, activeDay, activeWeek, activeMonth };
};

describe('the count of what accounts do', () => {
  let ada: Person;
  let bob: Person;

  it('has the running day, without what has just happened', async () => {
    admin = await person(service, { roles: ['admin'] });
    ada = await person(service);
    await call(service, 'POST', '/v1/sessions', { email: ada.email, password: 'wrong' });
    await call(service, 'POST', '/v1/users', { email: ada.email, password: PASSWORD });
    passTime(10 * MINUTE_MS);
    bob = await person(service);
    passTime(4 * MINUTE_MS);
    expect(await run()).toEqual({ days: 32, events: 4 });
    expect(await day(first)).toEqual({ ...numbers(2, 2, 0, [2, 2, 2]), complete: false });
    expect(await day(addDays(first, -1))).toEqual({ ...numbers(0, 0, 0, [0, 0, 0]), complete: true });
  });

  it('goes on where it ended, and counts nothing twice', async () => {
    expect(await run()).toEqual({ days: 0, events: 0 });
    passTime(10 * MINUTE_MS);
    expect(await run()).toEqual({ days: 1, events: 2 });
    passTime(HOUR_MS);
    expect(await run()).toEqual({ days: 1, events: 0 });
    expect(await day(first)).toEqual({ ...numbers(3, 3, 0, [3, 3, 3]), complete: false });
  });

  it('completes a day after midnight, and begins the next one', async () => {
    await refresh(service, ada.refreshToken);
    await signIn(service, bob.email);
    passTime(DAY_MS - HOUR_MS);
    const carol = await person(service);
    const again = await signIn(service, carol.email);
    await again.call('DELETE', '/v1/users/me');
    await refresh(service, bob.refreshToken);
    await (await signIn(service, admin.email)).call('POST', '/v1/admin/users', { email: freshEmail() });
    passTime(10 * MINUTE_MS);
    await run();
    expect(await day(first)).toEqual({ ...numbers(3, 4, 0, [3, 3, 3]), complete: true });
    const second = addDays(first, 1);
    // Carol, Bob and the admin; in the week all four.
    expect(await day(second)).toEqual({ ...numbers(2, 3, 1, [3, 4, 4]), complete: false });
  });

  it('makes up for days that nobody counted, once, also by two at the same time', async () => {
    passTime(6 * DAY_MS);
    const third = dayOf(new Date());
    await signIn(service, ada.email);
    passTime(2 * DAY_MS);
    await Promise.all([run(), run(), run()]);
    await run();
    expect(await day(third)).toEqual({ ...numbers(0, 1, 0, [1, 4, 4]), complete: true });
    expect(await day(addDays(third, 1))).toEqual({ ...numbers(0, 0, 0, [0, 1, 4]), complete: true });
    expect((await readActivity(addDays(first, -100), dayOf(new Date()))).length).toBe(31 + 10);
  });

  it('is not set back by a run that was slower than the one behind it', async () => {
    const today = dayOf(new Date());
    const [before] = await readActivity(today, today);
    if (!before) throw new Error('today was not counted');
    passTime(HOUR_MS);
    await run();
    const after = await day(today);
    const { accounts: _, ...late } = before;
    expect(await replaceActivity(before, { ...late, accounts: Buffer.from([0]) })).toBe(false);
    expect(await replaceActivity(undefined, { ...late, accounts: Buffer.from([0]) })).toBe(false);
    expect(await day(today)).toEqual(after);
    expect((await readActivity(today, today))[0]?.countedUntil).not.toEqual(before.countedUntil);
  });

  it('ends when it is asked to, and leaves a day whole or as it was', async () => {
    await signIn(service, ada.email);
    passTime(DAY_MS);
    const before = await Activity.find().lean();
    const stopped = new AbortController();
    stopped.abort();
    expect(await run(stopped.signal)).toEqual({ days: 0, events: 0 });
    expect(await Activity.find().lean()).toEqual(before);
    expect((await run())['days']).toBe(2);
  });

  it('forgets who was active when no later day needs it, and keeps the numbers', async () => {
    passTime(62 * DAY_MS);
    await run();
    const known = await readActivity(first, dayOf(new Date()));
    expect(known.find(({ _id }) => _id === first)).not.toHaveProperty('accounts');
    expect(known.at(-1)).toHaveProperty('accounts');
    expect(await day(first)).toMatchObject(numbers(3, 4, 0, [3, 3, 3]));
    // Longer ago than it is made up for.
    expect(await Activity.exists({ _id: addDays(dayOf(new Date()), -40) })).toBeNull();
    const kept = (await Activity.findById(first).lean())?.expiresAt.getTime() ?? 0;
    expect((kept - startOf(first).getTime()) / DAY_MS).toBeGreaterThan(25 * 30);
  });

  it('estimates where accounts are many, without keeping more', async () => {
    const today = dayOf(new Date());
    const at = new Date(startOf(today).getTime() + HOUR_MS);
    const time = Types.ObjectId.createFromTime(at.getTime() / 1000)
      .toHexString()
      .slice(0, 8);
    await AuditEvent.collection.insertMany(
      Array.from({ length: 6_000 }, (_, n) => ({
        ...{ _id: toId(time + n.toString(16).padStart(16, '0')), action: 'session.created', outcome: 'success', at },
        ...{ actor: { type: 'anonymous' }, target: { collection: 'users', id: new Types.ObjectId() } },
      })),
    );
    await Activity.deleteOne({ _id: today });
    await run();
    const { signIns, activeDay } = await day(today);
    expect(signIns).toBe(6_000);
    expect(Math.abs(activeDay - 6_000)).toBeLessThan(180);
    expect((await readActivity(today, today))[0]?.accounts?.length()).toBe(1 + 2 ** 14);
  });
});

it('signing up, signing in and refreshing send no command for it', async () => {
  const sent = await commandsOf(async () => {
    const { refreshToken } = await person(service);
    await refresh(service, refreshToken);
  });
  expect(sent.length).toBeGreaterThan(5);
  expect(sent.filter((name) => name.includes('activity'))).toEqual([]);
});
