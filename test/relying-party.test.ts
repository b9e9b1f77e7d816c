import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../src/config.ts';
import { relyingPartyOf } from '../src/relying-party.ts';

const party = (env: Record<string, string>) => relyingPartyOf(loadConfig({ NODE_ENV: 'test', ...env }));

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig({ NODE_ENV: 'test', ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe('passkeys are made', () => {
  it('for the host of PUBLIC_URL, and used on its pages', () => {
    expect(party({ PUBLIC_URL: 'https://accounts.example.com:8443/' })).toEqual({
      id: 'accounts.example.com',
      name: 'Roster',
      origins: ['https://accounts.example.com:8443'],
    });
    expect(party({ PORT: '4000' })).toMatchObject({ id: 'localhost', origins: ['http://localhost:4000'] });
  });

  it('for a domain above it, and used on the pages below that may call the service', () => {
    const { id, origins } = party({
      PUBLIC_URL: 'https://accounts.example.com',
      PASSKEY_RP_ID: 'example.com',
      CORS_ORIGINS:
        'https://app.example.com,https://example.com,https://evilexample.com,https://example.com.evil.example',
    });
    expect([id, origins]).toEqual([
      'example.com',
      ['https://accounts.example.com', 'https://app.example.com', 'https://example.com'],
    ]);
  });

  it('for the pages and apps that are named', () => {
    const app = `android:apk-key-hash:${'A'.repeat(43)}`;
    const { origins } = party({
      PUBLIC_URL: 'https://api.example.com',
      PASSKEY_RP_ID: 'example.com',
      PASSKEY_ORIGINS: `https://example.com, ${app}`,
      CORS_ORIGINS: 'https://example.com',
    });
    expect(origins).toEqual(['https://example.com', app]);
  });
});

describe('a setting that no browser would follow', () => {
  it.each([
    [{ PASSKEY_ORIGINS: 'https://example.com/login' }, 'PASSKEY_ORIGINS'],
    [{ PASSKEY_ORIGINS: 'android:apk-key-hash:short' }, 'PASSKEY_ORIGINS'],
    [{ PASSKEY_RP_ID: 'https://example.com' }, 'PASSKEY_RP_ID'],
    [{ PASSKEY_RP_ID: 'Example.com' }, 'PASSKEY_RP_ID'],
    [{ PUBLIC_URL: 'https://example.org', PASSKEY_RP_ID: 'example.com' }, 'PASSKEY_RP_ID'],
    [{ PUBLIC_URL: 'https://notexample.com', PASSKEY_RP_ID: 'example.com' }, 'PASSKEY_RP_ID'],
  ])('%o is refused by its name', (env, name) => {
    expect(problemsOf(env as Record<string, string>)).toEqual([expect.stringContaining(name)]);
  });

  it('is not one where the pages are named', () => {
    const env = { PUBLIC_URL: 'https://api.example.org', PASSKEY_RP_ID: 'example.com' };
    expect(problemsOf({ ...env, PASSKEY_ORIGINS: 'https://example.com' })).toEqual([]);
  });
});
