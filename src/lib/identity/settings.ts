/**
 * The identity providers that an operator names: what they may say about each, and what is wrong with what they said.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

export const PRESETS = ['google', 'github', 'microsoft', 'apple'] as const;
export type Preset = (typeof PRESETS)[number];

/** As in the metadata of a client (RFC 7591): the two in which a secret is sent. */
const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'] as const;

/** Part of a path, and of what an identity is stored under. */
const ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

const text = (maxLength = 2048) => Type.Optional(Type.String({ minLength: 1, maxLength }));

const entrySchema = Type.Object(
  {
    id: Type.String({ pattern: ID.source }),
    name: text(60),
    preset: Type.Optional(Type.Enum([...PRESETS])),
    issuer: text(),
    clientId: Type.String({ minLength: 1, maxLength: 512 }),
    clientSecret: text(),
    tokenEndpointAuthMethod: Type.Optional(Type.Enum([...SECRET_METHODS])),
    authorizationEndpoint: text(),
    tokenEndpoint: text(),
    userinfoEndpoint: text(),
    scopes: Type.Optional(
      Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,100}$' }), { minItems: 1 }),
    ),
    trustEmail: Type.Optional(Type.Boolean()),
    keepTokens: Type.Optional(Type.Boolean()),
    teamId: text(64),
    keyId: text(64),
    privateKey: text(8192),
  },
  { additionalProperties: false },
);

/** One provider, as the configuration has it. */
export type ProviderSettings = Readonly<Static<typeof entrySchema>>;

/** The configuration of the providers is unusable; `problems` says where and why, never with a value in it. */
export class ProviderSettingsError extends Error {
  override readonly name = 'ProviderSettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

/** The providers of the environment, in a variable or in the file that another one names, with what is wrong with them. */
export function readProviderSettings(
  json: string | undefined,
  file: string | undefined,
): { readonly settings: readonly ProviderSettings[]; readonly problems: readonly string[] } {
  if (json !== undefined && file !== undefined)
    return { settings: [], problems: ['IDENTITY_PROVIDERS and IDENTITY_PROVIDERS_FILE: give one of them'] };
  try {
    const text = file === undefined ? (json ?? '[]') : readFileSync(file, 'utf8');
    return { settings: parseProviderSettings(text), problems: [] };
  } catch (error) {
    const { problems = ['cannot be read'] } = error instanceof ProviderSettingsError ? error : {};
    const name = file === undefined ? 'IDENTITY_PROVIDERS' : 'IDENTITY_PROVIDERS_FILE';
    return { settings: [], problems: problems.map((problem) => `${name}: ${problem}`) };
  }
}

/**
 * Reads a JSON array of providers.
 * @throws {ProviderSettingsError} with everything that is wrong with it
 */
export function parseProviderSettings(json: string): ProviderSettings[] {
  const entries = readArray(json);
  const problems = entries.flatMap((entry, index) => {
    const where = labelOf(entry, index);
    const wrong = shapeProblems(entry);
    const found = wrong.length > 0 ? wrong : ruleProblems(entry as ProviderSettings);
    return found.map((problem) => `${where}: ${problem}`);
  });
  const ids = (entries as ProviderSettings[]).map((entry) => entry?.id);
  const twice = new Set(ids.filter((id, index) => id !== undefined && ids.indexOf(id) !== index));
  problems.push(...[...twice].map((id) => `id "${String(id)}" appears twice`));
  if (problems.length > 0) throw new ProviderSettingsError(problems);
  return entries as ProviderSettings[];
}

function readArray(json: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The parser quotes what it read, and there are secrets in it.
    throw new ProviderSettingsError(['must be JSON']);
  }
  if (!Array.isArray(value)) throw new ProviderSettingsError(['must be a JSON array']);
  return value;
}

/** An id is no secret, and easier to find than a position; but only what looks like one is repeated. */
function labelOf(entry: unknown, index: number): string {
  const id = (entry as { id?: unknown } | null)?.id;
  const named = typeof id === 'string' && ID.test(id);
  return named ? `entry ${index + 1} ("${id}")` : `entry ${index + 1}`;
}

function shapeProblems(entry: unknown): string[] {
  return Value.Errors(entrySchema, entry).flatMap(({ keyword, instancePath, message, params }) => {
    const property = instancePath.slice(1).replaceAll('/', '.');
    // Told of a second time, as what the object must not have.
    if (keyword === 'boolean') return [];
    if (keyword === 'additionalProperties')
      return params.additionalProperties.map((name) => `${name} is not a property that this takes`);
    if (keyword === 'required') return params.requiredProperties.map((name) => `${name} is required`);
    if (keyword === 'enum') return [`${property} must be one of ${params.allowedValues.join(', ')}`];
    return [`${property} ${message}`.trim()];
  });
}

const ENDPOINTS = ['authorizationEndpoint', 'tokenEndpoint', 'userinfoEndpoint'] as const;

/** A preset, or what a provider without one speaks: OpenID Connect where it has an issuer, plain OAuth 2 where not. */
export type ProviderKind = Preset | 'oidc' | 'oauth2';

export const kindOf = ({ preset, issuer }: ProviderSettings): ProviderKind =>
  preset ?? (issuer === undefined ? 'oauth2' : 'oidc');

type Property = keyof ProviderSettings;

/** Beside what every entry may have: what each kind needs, and what more it takes. Anything else would mean nothing. */
const RULES: Readonly<
  Record<ProviderKind, { readonly needs: readonly Property[]; readonly takes: readonly Property[] }>
> = {
  google: { needs: ['clientSecret'], takes: [] },
  github: { needs: ['clientSecret'], takes: ENDPOINTS },
  microsoft: { needs: ['clientSecret'], takes: ['issuer'] },
  apple: { needs: ['teamId', 'keyId', 'privateKey'], takes: [] },
  oidc: { needs: ['issuer'], takes: ['clientSecret', 'tokenEndpointAuthMethod'] },
  oauth2: { needs: ENDPOINTS, takes: ['clientSecret', 'tokenEndpointAuthMethod'] },
};

const EVERYBODYS: readonly Property[] = ['id', 'name', 'preset', 'clientId', 'scopes', 'trustEmail', 'keepTokens'];

const NAMES: Readonly<Record<ProviderKind, string>> = {
  google: 'for google',
  github: 'for github',
  microsoft: 'for microsoft',
  apple: 'for apple',
  oidc: 'with an issuer',
  oauth2: 'without preset and issuer',
};

function ruleProblems(entry: ProviderSettings): string[] {
  const kind = kindOf(entry);
  const { needs, takes } = RULES[kind];
  const given = Object.keys(entry) as Property[];
  // GitHub's own addresses, or all of another installation.
  const together = ENDPOINTS.some((name) => given.includes(name) && takes.includes(name)) ? ENDPOINTS : [];
  const missing = [...needs, ...together].filter((name) => !given.includes(name));
  const unused = given.filter((name) => ![...EVERYBODYS, ...needs, ...takes].includes(name));
  return [
    ...missing.map((name) => `${name} is required ${NAMES[kind]}`),
    ...unused.map((name) => `${name} is not used ${NAMES[kind]}`),
    ...(['issuer', ...ENDPOINTS] as const).flatMap((name) => urlProblem(name, entry[name])),
    ...keyProblem(entry.privateKey),
  ];
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a provider runs on this very machine, which is the one place where its traffic needs no TLS. */
export const isLoopback = (url: string): boolean => LOOPBACK.has(new URL(url).hostname);

function urlProblem(name: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  if (!URL.canParse(value)) return [`${name} must be an absolute URL`];
  const { protocol, username, password, search, hash } = new URL(value);
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(value)))
    return [`${name} must be an https URL (http for localhost only)`];
  return username || password || hash || (name === 'issuer' && search)
    ? [`${name} must have no credentials, no query and no fragment`]
    : [];
}

/** Apple signs with P-256, and takes no other key. */
function keyProblem(pem: string | undefined): string[] {
  if (pem === undefined) return [];
  try {
    const { asymmetricKeyDetails } = createPrivateKey(pem);
    if (asymmetricKeyDetails?.namedCurve === 'prime256v1') return [];
  } catch {
    // What is wrong with a key is nothing to print.
  }
  return ['privateKey must be a P-256 private key in PEM'];
}
