import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';

describe('PUBLIC_URL', () => {
  it.each(['https://accounts.example.com', 'http://localhost:3000', 'https://example.com/accounts'])(
    'can be %s',
    (url) => {
      expect(loadConfig({ PUBLIC_URL: url }).PUBLIC_URL).toBe(url);
    },
  );

  it.each([
    'accounts.example.com',
    'ftp://example.com',
    'https://',
    'http://[::1',
    'https://exa mple.com',
    'https://:1',
  ])('cannot be %j, of which nobody could tell the origin', (url) => {
    expect(() => loadConfig({ PUBLIC_URL: url })).toThrow('PUBLIC_URL');
  });
});
