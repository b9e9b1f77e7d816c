import { expect, it } from 'vitest';
import { deviceName } from '../../../src/lib/mail/device.ts';
import { CATALOGUES } from '../../../src/lib/mail/locales/index.ts';

it.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0', 'Firefox on Windows'],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
    'Safari on macOS',
  ],
  [
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64)', 'Linux'],
  ['curl/8.5.0', undefined],
  ['', undefined],
  [' \r\n', undefined],
])('%j is %j', (userAgent, name) => {
  expect(deviceName(userAgent, CATALOGUES.en)).toBe(name);
});

it('never repeats what a client calls itself', () => {
  for (const userAgent of ['Visit evil.example/1 now', 'Your account is blocked, call 0900/1 (evil)', '<b>x</b>/1 y/2'])
    expect(deviceName(userAgent, CATALOGUES.en)).toBeUndefined();
});
