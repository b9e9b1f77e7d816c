import { describe, expect, it } from 'vitest';
import { type Access, accessPatterns } from '../../src/audit/patterns.ts';

const FROM = new Date('2026-03-01T00:00:00Z');

/** That many reads of different people at a time, such as `2026-03-01T10`. */
const reads = (actor: string, hour: string, amount: number, first = 0): Access[] =>
  Array.from({ length: amount }, (_, n) => ({
    actor,
    at: new Date(`${hour}:00:00Z`),
    denied: false,
    person: `person ${first + n}`,
  }));

async function patterns(...accesses: readonly Access[][]) {
  async function* all() {
    yield* accesses.flat();
  }
  return accessPatterns(all(), FROM);
}

const rules = async (...accesses: readonly Access[][]) =>
  (await patterns(...accesses)).flatMap(({ unusual }) => unusual.map(({ rule, day }) => `${day} ${rule}`));

/** Ten people on each of the days before. */
const habit = (actor: string, hour = '10') =>
  Array.from({ length: 9 }, (_, day) => reads(actor, `2026-02-1${day}T${hour}`, 10)).flat();

describe('access patterns', () => {
  it('tell of each actor how much of how many people, and when most', async () => {
    const list: Access = { actor: 'ada', at: new Date('2026-03-02T11:30:00Z'), denied: false, count: 20 };
    const kept: Access = { actor: 'bob', at: FROM, denied: true, count: 4 };
    expect(await patterns(reads('ada', '2026-03-01T10', 3), reads('ada', '2026-03-02T11', 4, 1), [list, kept])).toEqual(
      [
        {
          actor: 'ada',
          reads: 8,
          people: 5,
          listed: 20,
          denials: 0,
          busiestHour: { from: '2026-03-02T11:00:00.000Z', reads: 5 },
          unusual: [expect.objectContaining({ rule: 'many-people', counted: 24, usual: 3 })],
        },
        { actor: 'bob', reads: 0, people: 0, listed: 0, denials: 4, unusual: [] },
      ],
    );
  });

  it('leave out who did nothing in the period', async () => {
    expect(await patterns(habit('ada'))).toEqual([]);
  });

  it('find a day with many times the people of the others', async () => {
    expect(await rules(habit('ada'), reads('ada', '2026-03-01T10', 50))).toEqual([]);
    expect(await rules(habit('ada'), reads('ada', '2026-03-01T10', 51))).toEqual(['2026-03-01 many-people']);
    // The same is nothing for whoever does it each day.
    const busy = Array.from({ length: 5 }, (_, day) => reads('bob', `2026-03-0${day + 1}T10`, 60));
    expect(await rules(...busy)).toEqual([]);
  });

  it('find the first day with very many', async () => {
    const [first, second] = [reads('ada', '2026-03-01T10', 101), reads('ada', '2026-03-02T10', 150)];
    expect(await rules(first, second)).toEqual(['2026-03-01 first-bulk']);
    expect(await rules(reads('ada', '2026-02-01T10', 101), first)).toEqual([]);
  });

  it('find reads at night by who does not read at night', async () => {
    const night = reads('ada', '2026-03-01T23', 10);
    expect(await rules(habit('ada'), night)).toEqual(['2026-03-01 at-night']);
    expect(await rules(habit('ada'), reads('ada', '2026-03-01T21', 10))).toEqual([]);
    expect(await rules(habit('ada', '03'), night)).toEqual([]);
    // Nobody knows what is usual for somebody new.
    expect(await rules(night)).toEqual([]);
  });

  it('find many denials, counted ones too', async () => {
    const denial = { actor: 'ada', at: FROM, denied: true } as const;
    expect(await rules([denial, { ...denial, count: 9 }])).toEqual([]);
    expect(await rules([denial, { ...denial, count: 10 }])).toEqual(['2026-03-01 many-denials']);
  });
});
