import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { type ProviderSettingsError, parseProviderSettings } from '../../src/lib/identity/settings.ts';

const pem = (namedCurve: string): string =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const SECRET = 'a secret that no message may hold';
const OIDC = { id: 'company', issuer: 'https://id.example.com', clientId: 'roster', clientSecret: SECRET };
const GOOGLE = { id: 'google', preset: 'google', clientId: 'roster', clientSecret: SECRET };
const APPLE_KEY = { teamId: 'TEAM', keyId: 'KEY', privateKey: pem('P-256') };
const APPLE = { id: 'apple', preset: 'apple', clientId: 'com.example.web', ...APPLE_KEY };
const ENDPOINTS = {
  authorizationEndpoint: 'https://id.example.com/authorize',
  tokenEndpoint: 'https://id.example.com/token',
  userinfoEndpoint: 'https://id.example.com/me',
};
const OAUTH2 = { id: 'plain', clientId: 'roster', ...ENDPOINTS };

const GOOD: [name: string, entry: object][] = [
  ['an issuer', OIDC],
  ['an issuer, as a public client', { ...OIDC, clientSecret: undefined }],
  ['an issuer on this machine', { ...OIDC, issuer: 'http://localhost:4000' }],
  ['an issuer on this machine by its address', { ...OIDC, issuer: 'http://[::1]:4000/realm' }],
  ['every option', { ...OIDC, name: 'Company', scopes: ['openid', 'a:b/c'], trustEmail: false, keepTokens: true }],
  ['a way to send the secret', { ...OIDC, tokenEndpointAuthMethod: 'client_secret_basic' }],
  ['endpoints of plain OAuth 2', OAUTH2],
  ['Google', GOOGLE],
  ['GitHub', { ...GOOGLE, preset: 'github' }],
  ['GitHub somewhere else', { ...GOOGLE, preset: 'github', ...ENDPOINTS }],
  ['Microsoft', { ...GOOGLE, preset: 'microsoft' }],
  ['one tenant of Microsoft', { ...GOOGLE, preset: 'microsoft', issuer: 'https://login.microsoftonline.com/x/v2.0' }],
  ['Apple', APPLE],
];

const BAD: [entry: unknown, problem: string][] = [
  [5, 'entry 1: must be object'],
  [null, 'entry 1: must be object'],
  [{}, 'entry 1: id is required'],
  [{ ...OIDC, id: 'Two Words' }, 'entry 1: id must match pattern'],
  [{ ...OIDC, id: 'x'.repeat(33) }, 'entry 1: id must match pattern'],
  [{ ...OIDC, id: '../admin' }, 'entry 1: id must match pattern'],
  [{ ...OIDC, clientid: 'x' }, 'entry 1 ("company"): clientid is not a property that this takes'],
  [{ ...OIDC, clientSecret: 5 }, 'entry 1 ("company"): clientSecret must be string'],
  [{ ...OIDC, clientSecret: '' }, 'entry 1 ("company"): clientSecret must not have fewer than 1 characters'],
  [{ ...OIDC, scopes: ['two words'] }, 'entry 1 ("company"): scopes.0 must match pattern'],
  [{ ...OIDC, preset: 'facebook' }, 'preset must be one of google, github, microsoft, apple'],
  [{ ...OIDC, issuer: 'id.example.com' }, 'issuer must be an absolute URL'],
  [{ ...OIDC, issuer: 'http://id.example.com' }, 'issuer must be an https URL (http for localhost only)'],
  [{ ...OIDC, issuer: 'http://localhost.example.com' }, 'issuer must be an https URL'],
  [{ ...OIDC, issuer: 'ftp://localhost' }, 'issuer must be an https URL'],
  [{ ...OIDC, issuer: `https://x:${SECRET}@id.example.com` }, 'issuer must have no credentials'],
  [{ ...OIDC, issuer: 'https://id.example.com?a=b' }, 'issuer must have no credentials, no query and no fragment'],
  [{ ...OIDC, ...ENDPOINTS }, 'tokenEndpoint is not used with an issuer'],
  [{ ...OIDC, ...APPLE_KEY }, 'privateKey is not used with an issuer'],
  [{ ...OIDC, issuer: undefined }, 'authorizationEndpoint is required without preset and issuer'],
  [{ ...OAUTH2, tokenEndpoint: 'http://id.example.com' }, 'tokenEndpoint must be an https URL'],
  [{ ...GOOGLE, clientSecret: undefined }, 'entry 1 ("google"): clientSecret is required for google'],
  [{ ...GOOGLE, issuer: OIDC.issuer }, 'issuer is not used for google'],
  [{ ...GOOGLE, preset: 'github', tokenEndpoint: 'https://x.example' }, 'userinfoEndpoint is required for github'],
  [{ ...APPLE, clientSecret: SECRET }, 'clientSecret is not used for apple'],
  [{ ...APPLE, keyId: undefined }, 'keyId is required for apple'],
  [{ ...APPLE, privateKey: SECRET }, 'privateKey must be a P-256 private key in PEM'],
  [{ ...APPLE, privateKey: pem('P-384') }, 'privateKey must be a P-256 private key in PEM'],
];

function problemsOf(json: string): readonly string[] {
  try {
    parseProviderSettings(json);
    return [];
  } catch (error) {
    return (error as ProviderSettingsError).problems;
  }
}

it.each(GOOD)('takes %s', (_name, entry) => {
  const json = JSON.stringify([entry]);
  expect(parseProviderSettings(json)).toEqual(JSON.parse(json));
});

describe('names the entry and the property that is wrong, and no secret', () => {
  it.each(BAD)('%#', (entry, problem) => {
    const problems = problemsOf(JSON.stringify([entry])).join('\n');
    expect(problems).toContain(problem);
    expect(problems).not.toContain(SECRET);
    expect(problems).not.toContain('PRIVATE KEY');
  });

  it('all of them at once', () => {
    const problems = problemsOf(JSON.stringify([GOOGLE, { ...OIDC, scopes: [] }, GOOGLE, { ...APPLE, teamId: '' }]));
    expect(problems).toEqual([
      'entry 2 ("company"): scopes must not have fewer than 1 items',
      'entry 4 ("apple"): teamId must not have fewer than 1 characters',
      'id "google" appears twice',
    ]);
  });

  it.each([`[{"clientSecret":"${SECRET}"`, SECRET, ''])('what is no JSON', (json) => {
    expect(problemsOf(json)).toEqual(['must be JSON']);
  });

  it.each(['{}', 'null', '5', '"x"'])('what is no array: %s', (json) => {
    expect(problemsOf(json)).toEqual(['must be a JSON array']);
  });
});

describe('the environment', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'roster-providers-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const file = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };

  it('names no provider unless it is told to', () => {
    expect(loadConfig({}).IDENTITY_PROVIDERS).toEqual([]);
    expect(loadConfig({ IDENTITY_PROVIDERS: '' }).IDENTITY_PROVIDERS).toEqual([]);
  });

  it('holds the providers, or the name of a file with them', () => {
    const json = JSON.stringify([OIDC]);
    expect(loadConfig({ IDENTITY_PROVIDERS: json }).IDENTITY_PROVIDERS).toEqual([OIDC]);
    expect(loadConfig({ IDENTITY_PROVIDERS_FILE: file('good.json', json) }).IDENTITY_PROVIDERS).toEqual([OIDC]);
  });

  it.each([
    ['both', { IDENTITY_PROVIDERS: '[]', IDENTITY_PROVIDERS_FILE: 'x' }, 'give one of them'],
    ['no such file', { IDENTITY_PROVIDERS_FILE: '/nowhere/at.all' }, 'IDENTITY_PROVIDERS_FILE: cannot be read'],
    ['no JSON', { IDENTITY_PROVIDERS: SECRET }, 'IDENTITY_PROVIDERS: must be JSON'],
    [
      'a wrong entry',
      { IDENTITY_PROVIDERS: '[{"id":"a"}]' },
      'IDENTITY_PROVIDERS: entry 1 ("a"): clientId is required',
    ],
  ])('does not start with %s', (_name, environment, problem) => {
    const load = () => loadConfig(environment);
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(problem);
    expect(load).not.toThrow(SECRET);
  });
});
