import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { envSchema } from 'env-schema';
import type { Static } from 'typebox';
import { backupProblems } from './backup/settings.ts';
import { configSchema } from './config-schema.ts';
import { isUnderDomain } from './lib/domain.ts';
import { type ProviderSettings, readProviderSettings } from './lib/identity/settings.ts';
import { holdsSampleKey, parseKeyring } from './lib/keyring.ts';
import { mailProblems } from './lib/mail/settings.ts';
import { isRole } from './lib/permissions.ts';

type Environment = Static<typeof configSchema>;

export type Config = Readonly<
  Omit<Environment, 'IDENTITY_PROVIDERS'> & {
    PUBLIC_URL: string;
    APP_URL: string;
    HASHING_CONCURRENCY: number;
    IDENTITY_PROVIDERS: readonly ProviderSettings[];
  }
>;

/** The environment is wrong; `problems` says what, one line each, never with a secret in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export const list = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);

/**
 * Reads the environment once.
 * @throws {ConfigError} naming every variable that is wrong
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const data = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in configSchema.properties && value !== ''),
  );
  let values: Environment;
  try {
    values = envSchema({ schema: configSchema, data, dotenv: false, env: false });
  } catch (error) {
    throw new ConfigError((error as Error).message.split(', ').map((line) => line.replace(/^env\/?/, '')));
  }
  const providers = readProviderSettings(values.IDENTITY_PROVIDERS, values.IDENTITY_PROVIDERS_FILE);
  const problems = [
    ...addresses(values),
    ...passkeys(values),
    ...roles(values),
    ...keyring(values),
    ...providers.problems,
    ...dormancy(values),
    ...rangeCheck(values),
    ...mailProblems(values),
    ...backupProblems(values),
    ...(values.NODE_ENV === 'production' ? production(values) : []),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  const publicUrl = (values.PUBLIC_URL ?? `http://localhost:${values.PORT}`).replace(/\/$/, '');
  return Object.freeze({
    ...values,
    PUBLIC_URL: publicUrl,
    APP_URL: values.APP_URL?.replace(/\/$/, '') ?? publicUrl,
    HASHING_CONCURRENCY: values.HASHING_CONCURRENCY ?? availableParallelism(),
    ...(values.PASSWORD_RANGE_CHECK_URL !== undefined && {
      PASSWORD_RANGE_CHECK_URL: values.PASSWORD_RANGE_CHECK_URL.replace(/\/?$/, '/'),
    }),
    IDENTITY_PROVIDERS: providers.settings,
  });
}

function addresses({ TRUSTED_PROXIES, CORS_ORIGINS, PUBLIC_URL = 'http://localhost' }: Environment): string[] {
  const proxies = list(TRUSTED_PROXIES).filter((entry) => !isAddressOrRange(entry));
  const origins = list(CORS_ORIGINS).filter((origin) => !isOrigin(origin));
  return [
    ...proxies.map((entry) => `TRUSTED_PROXIES: "${entry}" is neither an address nor a CIDR range`),
    ...origins.map((origin) => `CORS_ORIGINS: "${origin}" is not an origin such as https://app.example.com`),
    ...(URL.canParse(PUBLIC_URL)
      ? []
      : [`PUBLIC_URL: "${PUBLIC_URL}" is not a URL such as https://accounts.example.com`]),
  ];
}

/** A session lives for up to 90 days by default: whoever stays signed in that long has not gone. */
const MIN_DORMANCY_MONTHS = 4;

const dormancy = ({ DORMANCY_MONTHS: months }: Environment): string[] =>
  months > 0 && months < MIN_DORMANCY_MONTHS ? [`DORMANCY_MONTHS must be 0, or at least ${MIN_DORMANCY_MONTHS}`] : [];

const roles = ({ SECOND_FACTOR_ROLES }: Environment): string[] =>
  list(SECOND_FACTOR_ROLES)
    .filter((role) => !isRole(role))
    .map((role) => `SECOND_FACTOR_ROLES: "${role}" is not a role`);

function passkeys({ PUBLIC_URL, PASSKEY_RP_ID, PASSKEY_ORIGINS }: Environment): string[] {
  const unknown = list(PASSKEY_ORIGINS).filter((origin) => !isOrigin(origin) && !APP_ORIGIN.test(origin));
  if (unknown.length > 0)
    return unknown.map((origin) => `PASSKEY_ORIGINS: "${origin}" is not an origin such as https://app.example.com`);
  if (PUBLIC_URL === undefined || PASSKEY_RP_ID === undefined || PASSKEY_ORIGINS !== '') return [];
  return isUnderDomain(PUBLIC_URL, PASSKEY_RP_ID)
    ? []
    : [
        'PASSKEY_RP_ID: browsers refuse it on PUBLIC_URL, which is not on that domain; name the pages in PASSKEY_ORIGINS',
      ];
}

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** How an Android app stands in the place of a page. */
const APP_ORIGIN = /^android:apk-key-hash:[\w-]{43}$/;

function isAddressOrRange(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  // A prefix of no bits would be everybody.
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function keyring({ KEYRING, NODE_ENV }: Environment): string[] {
  if (KEYRING === undefined) return [];
  try {
    parseKeyring(KEYRING);
  } catch (error) {
    return [`KEYRING: ${(error as Error).message}`];
  }
  return NODE_ENV === 'production' && holdsSampleKey(KEYRING)
    ? ['KEYRING holds the sample key from the documentation; make one by `bin/roster keys generate`']
    : [];
}

/** What is appended to it must become the last part of its path, and `fetch` takes no credentials in a URL. */
function rangeCheck({ PASSWORD_RANGE_CHECK_URL: text }: Environment): string[] {
  if (text === undefined) return [];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.href === url.origin + url.pathname
    ? []
    : ['PASSWORD_RANGE_CHECK_URL must be a URL without credentials, query and fragment'];
}

function production(values: Environment): string[] {
  const problems: string[] = [];
  if (!values.MONGODB_URI) problems.push('MONGODB_URI is required in production');
  if (!values.KEYRING) problems.push('KEYRING is required in production; make one by `bin/roster keys generate`');
  return problems;
}
