import Bowser from 'bowser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceName } from '../../src/lib/device-name.ts';

const KNOWN = new Set<string>([...Object.values(Bowser.BROWSER_MAP), ...Object.values(Bowser.OS_MAP)]);
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('a device', () => {
  it.each([
    ['Firefox on Windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0'],
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'],
    ['Chrome on Android', `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36`],
    ['Chrome on macOS', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36`],
    [
      'Safari on iOS',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
    ],
    [
      'Microsoft Edge on Windows',
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`,
    ],
    ['Linux', 'some-client/1.0 (Linux)'],
  ])('is a %s', (name, userAgent) => {
    expect(deviceName(userAgent)).toBe(name);
  });

  it.each(['', 'curl/8.5.0', 'node', 'lightMyRequest', '<b>bold</b>/1.0 (x) ', 'Your Bank/1.0 (call us) '])(
    'has no name where nobody could tell: %j',
    (userAgent) => {
      expect(deviceName(userAgent)).toBeUndefined();
    },
  );
});

describe('whatever a client says to be', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      ...['Mozilla/5.0', ' (', 'Windows NT', 'Android ', 'iPhone OS ', 'Macintosh', ' FxiOS', 'Version/', 'Opera/'],
      ...['Chrome/', 'Safari/', 'like ', 'rv:', 'MSIE ', 'Tizen', '__proto__', 'constructor', '.', '/', '1', ')', '; '],
    ),
  );
  const userAgent = fc.array(word, { maxLength: 60 }).map((words) => words.join(''));

  it('is a few known words or nothing, and never an error', () => {
    fc.assert(
      fc.property(userAgent, (text) => {
        const words = deviceName(text)?.split(' on ') ?? [];
        expect(words.filter((one) => !KNOWN.has(one))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is read no further than the longest agent that is stored', () => {
    expect(deviceName(`${'x'.repeat(512)} (Windows NT 10.0) Firefox/1.0`)).toBeUndefined();
  });
});
