import { expect, it } from 'vitest';
import { isTrustworthy } from '../../src/lib/trustworthy-url.ts';

it.each([
  'https://accounts.example.com',
  'https://192.0.2.1:8443/accounts',
  'http://localhost:3000',
  'http://LOCALHOST',
  'http://app.localhost',
  'http://a.b.localhost:1',
  'http://127.0.0.1:3000',
  'http://127.1.2.3',
  'http://[::1]:3000',
])('a browser keeps secure cookies of %s', (url) => {
  expect(isTrustworthy(url)).toBe(true);
});

it.each([
  'http://accounts.example.com',
  'http://localhost.example.com',
  'http://notlocalhost',
  'http://.localhost.example',
  'http://192.168.0.1',
  'http://127.example.com',
  'http://127.0.0.1.example.com',
  'http://[::2]',
  'http://accounts.example.com/https://localhost',
])('and not those of %s', (url) => {
  expect(isTrustworthy(url)).toBe(false);
});
