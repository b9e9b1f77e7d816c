import { describe, expect, it } from 'vitest';
import { booleanOf, isOver, suspendedUnless, suspendedWhen, timeOf } from '../../src/import/formats/values.ts';

describe('a time', () => {
  it.each([
    ['2020-10-06T15:31:19.372Z', '2020-10-06T15:31:19.372Z'],
    ['2023-05-06T07:08:09.123456+00:00', '2023-05-06T07:08:09.123Z'],
    ['2023-05-06 07:08:09.123456+00', '2023-05-06T07:08:09.123Z'],
    ['2023-05-06 07:08:09-05:30', '2023-05-06T12:38:09.000Z'],
    // Not of the zone that this machine happens to be in.
    ['2023-05-06T07:08:09', '2023-05-06T07:08:09.000Z'],
    ['2023-05-06 07:08', '2023-05-06T07:08:00.000Z'],
    [1_600_000_000.5, '2020-09-13T12:26:40.500Z'],
    [1_600_000_000_500, '2020-09-13T12:26:40.500Z'],
    ['1600000000500', '2020-09-13T12:26:40.500Z'],
    [{ $date: '2020-10-06T15:31:19.372Z' }, '2020-10-06T15:31:19.372Z'],
    [{ $date: { $numberLong: '1600000000500' } }, '2020-09-13T12:26:40.500Z'],
  ])('%o is %s', (value, time) => expect(timeOf(value)).toBe(time));

  it.each(['', '7', '2023', 'yesterday', '2023-99-99T00:00:00Z', 1e300, Number.NaN, true, null, [], { a: 1 }])(
    '%o is none, and is handed on',
    (value) => expect(timeOf(value)).toBe(value),
  );

  it('is over or not', () => {
    expect(isOver('2023-05-06 07:08:09+00')).toBe(true);
    expect(isOver('2999-05-06 07:08:09+00')).toBe(false);
    expect(isOver('infinity')).toBe(false);
  });
});

it('a truth is read as SQL and CSV write it, and nothing else is one', () => {
  expect(['true', 'TRUE', 't', '1', true].map(booleanOf)).toEqual(Array(5).fill(true));
  expect(['false', 'F', '0', false].map(booleanOf)).toEqual(Array(4).fill(false));
  expect(['yes', 2, {}].map(booleanOf)).toEqual(['yes', 2, {}]);
  expect([suspendedWhen('t'), suspendedUnless('t'), suspendedUnless('false'), suspendedWhen('maybe')]).toEqual([
    'suspended',
    'active',
    'suspended',
    'maybe',
  ]);
});
