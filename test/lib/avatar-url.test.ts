import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AVATAR_URL_MAX_LENGTH, normaliseAvatarUrl } from '../../src/lib/avatar-url.ts';

describe('normaliseAvatarUrl', () => {
  it.each([
    ['https://cdn.example.com/ann.png', 'https://cdn.example.com/ann.png'],
    ['  https://cdn.example.com/ann.png\n', 'https://cdn.example.com/ann.png'],
    ['HTTPS://CDN.Example.com', 'https://cdn.example.com/'],
    ['https://cdn.example.com:443/a/../b?size=64#x', 'https://cdn.example.com/b?size=64#x'],
    ['https://münchen.example/ü.png', 'https://xn--mnchen-3ya.example/%C3%BC.png'],
    ['https://cdn.example.com/"><script>', 'https://cdn.example.com/%22%3E%3Cscript%3E'],
    ['http://localhost:8080/ann.png', 'http://localhost:8080/ann.png'],
    ['http://127.0.0.1/ann.png', 'http://127.0.0.1/ann.png'],
    ['http://[::1]:3000/ann.png', 'http://[::1]:3000/ann.png'],
    ['https://[2001:db8::1]/ann.png', 'https://[2001:db8::1]/ann.png'],
  ])('%j is kept as %j', (input, stored) => {
    expect(normaliseAvatarUrl(input)).toBe(stored);
  });

  it.each([
    '',
    'ann.png',
    '/ann.png',
    '//cdn.example.com/ann.png',
    'cdn.example.com/ann.png',
    'https:cdn.example.com/ann.png',
    'https:/cdn.example.com/ann.png',
    'https:\\\\cdn.example.com\\ann.png',
    'https:///cdn.example.com/ann.png',
    'https://cdn.example.com\\@eve.example/ann.png',
    'https://',
    'https://exa mple.com/',
    'https://cdn.example.com/a b.png',
    'https://cdn.exam\nple.com/ann.png',
    'java\tscript:alert(1)',
    'javascript:alert(1)',
    'data:image/png;base64,AAAA',
    'ftp://example.com/ann.png',
    'blob:https://example.com/1',
    'http://cdn.example.com/ann.png',
    'http://localhost.example.com/ann.png',
    'http://127.0.0.2/ann.png',
    'http://localhost@cdn.example.com/ann.png',
    'https://ann@cdn.example.com/',
    'https://ann:secret@cdn.example.com/',
    'https://:secret@cdn.example.com/',
    'https://cdn.example.com:99999/',
    'https://cdn.example.com/\ud800',
    'https://cdn.example.com/\u0000',
  ])('refuses %j', (input) => {
    expect(normaliseAvatarUrl(input)).toBeUndefined();
  });

  it('counts the length before and after encoding', () => {
    const url = (path: string): string => `https://example.com/${path}`;
    const room = AVATAR_URL_MAX_LENGTH - url('').length;
    expect(normaliseAvatarUrl(url('a'.repeat(room)))).toHaveLength(AVATAR_URL_MAX_LENGTH);
    expect(normaliseAvatarUrl(url('a'.repeat(room + 1)))).toBeUndefined();
    expect(normaliseAvatarUrl(url('ü'.repeat(room / 2)))).toBeUndefined();
    expect(normaliseAvatarUrl(url('../'.repeat(1000)))).toBeUndefined();
  });

  it('is idempotent', () => {
    const urls = fc.webUrl({ validSchemes: ['https', 'http'], withFragments: true, withQueryParameters: true });
    fc.assert(
      fc.property(
        fc.oneof(
          urls,
          fc.string({ unit: 'binary' }).map((path) => `https://example.com/${path}`),
        ),
        (input) => {
          const url = normaliseAvatarUrl(input);
          if (url !== undefined) expect(normaliseAvatarUrl(url)).toBe(url);
        },
      ),
    );
  });
});
