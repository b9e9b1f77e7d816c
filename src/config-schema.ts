import { Type } from 'typebox';
import { BACKUP_SETTINGS } from './backup/config.ts';
import { MAIL_LOCALES } from './lib/mail/locales/index.ts';
import { HASH_BOUNDS, HASH_MINIMUM } from './lib/password-hashes/bounds.ts';

const seconds = (description: string, value: number, minimum = 1) =>
  Type.Integer({ description: `${description} In seconds.`, default: value, minimum });
const milliseconds = (description: string, value: number, minimum = 1) =>
  Type.Integer({ description: `${description} In milliseconds.`, default: value, minimum });

/**
 * The environment, whole: what is not in this schema is not read. `docs/configuration.md` is written from it,
 * so a description here is the documentation.
 */
export const configSchema = Type.Object({
  NODE_ENV: Type.Enum(['development', 'test', 'production'], {
    default: 'development',
    description:
      '`production` requires `MONGODB_URI` and `KEYRING`, never migrates and never starts a database. Otherwise what is missing is made under `DATA_DIRECTORY`.',
  }),
  PORT: Type.Integer({
    default: 3000,
    minimum: 0,
    maximum: 65535,
    description: 'Port of the API. 0 takes a free one.',
  }),
  HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address to listen on.' }),
  PUBLIC_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^/]+',
      description:
        'Where clients reach the service; issuer of its tokens, and an origin that cookies are taken from. Default: `http://localhost:PORT`.',
    }),
  ),
  METRICS_PORT: Type.Integer({
    default: 9464,
    minimum: 0,
    maximum: 65535,
    description: 'Port of `GET /metrics` (Prometheus), on `HOST`, apart from the public one. 0 takes a free one.',
  }),
  SERVICE_NAME: Type.String({
    default: 'Roster',
    minLength: 1,
    maxLength: 60,
    description: 'Name of the product whose accounts these are; passwords must not contain it.',
  }),
  MONGODB_URI: Type.Optional(
    Type.String({
      pattern: '^mongodb(\\+srv)?://',
      description: 'Connection string of a replica set. Without it (not in production) a database is started.',
    }),
  ),
  MONGODB_MAX_POOL_SIZE: Type.Integer({
    default: 50,
    minimum: 1,
    maximum: 1000,
    description: 'Connections to the database at the most, for each instance.',
  }),
  MONGODB_WAIT_QUEUE_TIMEOUT_MS: milliseconds(
    'How long a request waits for a free connection before it is answered 503.',
    2_000,
  ),
  MONGODB_SERVER_SELECTION_TIMEOUT_MS: milliseconds(
    'How long a request waits for a reachable primary before it is answered 503.',
    5_000,
  ),
  DATA_DIRECTORY: Type.String({
    default: '.data',
    minLength: 1,
    description:
      'Where a started database keeps its data, a generated keyring its keys, and mail without a server its files. Not used in production.',
  }),
  KEYRING: Type.Optional(
    Type.String({
      description:
        'Keys for encryption at rest: `id:base64key,…`, each of 32 bytes; the first one writes, all of them read. Make one by `bin/roster keys generate`.',
    }),
  ),
  ENCRYPT_NAMES: Type.Boolean({
    default: false,
    description:
      'Whether first and last names of accounts are encrypted in the database. The search of admins then finds them by the whole name alone. `bin/roster keys rotate` encrypts the names that are there. For the service and its commands alike.',
  }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'Least severe level that is logged.',
  }),
  SLOW_QUERY_MS: milliseconds('Database commands slower than this are logged with their shape and plan.', 200),
  SMTP_URL: Type.Optional(
    Type.String({
      description:
        'Server that mail is handed to: `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`, user and password percent-encoded. Without it mail is written into files under `DATA_DIRECTORY`; in production it waits in the database.',
    }),
  ),
  MAIL_FROM: Type.Optional(
    Type.String({
      description:
        'Sender of mail, `Name <accounts@example.com>`; bounces go there. Required in production with `SMTP_URL`.',
    }),
  ),
  MAIL_LOCALE: Type.Enum(MAIL_LOCALES, { default: 'en', description: 'Language of mail.' }),
  TRUSTED_PROXIES: Type.String({
    default: '',
    description:
      'Comma-separated addresses or CIDR ranges of proxies whose `X-Forwarded-*` headers count. Empty: nobody’s do.',
  }),
  CORS_ORIGINS: Type.String({
    default: '',
    description:
      'Comma-separated origins that browsers may call from, with cookies too. Empty: none but the service itself.',
  }),
  BODY_LIMIT: Type.Integer({
    default: 65_536,
    minimum: 1024,
    maximum: 10_485_760,
    description: 'Largest request body, in bytes.',
  }),
  REQUEST_TIMEOUT_MS: milliseconds('How long a client may take to send a request.', 10_000),
  RESPONSE_TIMEOUT_MS: milliseconds(
    'How long an answer may take before it is 503 instead, however slow the database is. What was begun may still be done.',
    20_000,
    100,
  ),
  SHUTDOWN_DELAY_MS: milliseconds(
    'How long `/readyz` says 503 after a signal to stop, while everything is served as before: longer than a load balancer takes to see it.',
    0,
    0,
  ),
  SHUTDOWN_GRACE_MS: milliseconds('How long requests in flight may take to finish after a signal to stop.', 10_000),
  MAX_EVENT_LOOP_DELAY_MS: milliseconds(
    'New requests are answered 503 while the event loop lags more than this.',
    1_000,
  ),
  PASSWORD_MIN_LENGTH: Type.Integer({
    default: 15,
    minimum: 8,
    maximum: 64,
    description: 'Fewest characters (code points) of a password.',
  }),
  PASSWORD_RANGE_CHECK_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^/]+',
      description:
        'Service of breached passwords that new ones are looked up in, such as `https://host/range/`; it is sent the first 5 of the 40 digits of their SHA-1. Empty: none is asked. When it does not answer, the password is accepted.',
    }),
  ),
  PASSWORD_RANGE_CHECK_TIMEOUT_MS: Type.Integer({
    default: 1_000,
    minimum: 50,
    maximum: 10_000,
    description: 'How long that service may take. In milliseconds.',
  }),
  ARGON2_MEMORY_KIB: Type.Integer({
    default: HASH_MINIMUM.memoryKiB,
    minimum: HASH_MINIMUM.memoryKiB,
    maximum: HASH_BOUNDS.memoryKiB,
    description: 'Memory of one argon2id hash, in KiB.',
  }),
  ARGON2_PASSES: Type.Integer({
    default: HASH_MINIMUM.passes,
    minimum: HASH_MINIMUM.passes,
    maximum: HASH_BOUNDS.passes,
    description: 'Passes of one argon2id hash.',
  }),
  ARGON2_PARALLELISM: Type.Integer({
    default: HASH_MINIMUM.parallelism,
    minimum: HASH_MINIMUM.parallelism,
    maximum: HASH_BOUNDS.parallelism,
    description: 'Lanes of one argon2id hash.',
  }),
  FIREBASE_SCRYPT_KEY: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9+/]{22,}={0,2}$',
      description:
        'Signer key (`base64_signer_key`) of the Firebase project that accounts were imported from; without it their owners cannot sign in by password. Not needed once all have signed in.',
    }),
  ),
  HASHING_CONCURRENCY: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 128,
      description: 'Passwords hashed at the same time. Default: the number of cores.',
    }),
  ),
  HASHING_QUEUE: Type.Integer({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    description: 'Passwords that may wait to be hashed; one more is answered 503 with `Retry-After`.',
  }),
  SESSION_IDLE_SECONDS: seconds('A session unused for this long ends.', 30 * 86_400, 60),
  SESSION_LIFETIME_SECONDS: seconds('A session ends this long after sign-in, used or not.', 90 * 86_400, 60),
  SIGN_IN_FAILURES: Type.Integer({
    default: 10,
    minimum: 3,
    maximum: 100,
    description:
      'Wrong passwords for one account in 15 minutes before its tries are answered 429; half as many from one address. A device that has signed in before has as many tries of its own.',
  }),
  SIGN_IN_DELAY_MS: Type.Integer({
    default: 500,
    minimum: 0,
    maximum: 8_000,
    description:
      'How long the answer to the fourth wrong password is held back, in milliseconds; each further one doubles it, up to 8 seconds. 0: none is.',
  }),
  SECOND_FACTOR_ROLES: Type.String({
    default: '',
    description:
      'Comma-separated roles that count only in sessions opened with a second factor. Empty: none; a second factor is up to each person.',
  }),
  PASSKEY_RP_ID: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9-]+(\\.[a-z0-9-]+)*$',
      description:
        'Domain that passkeys are made for; they work on it and below it, and are lost when it changes. Default: the host of `PUBLIC_URL`.',
    }),
  ),
  PASSKEY_ORIGINS: Type.String({
    default: '',
    description:
      'Comma-separated origins of the pages that use passkeys, `android:apk-key-hash:…` for an app. Default: that of `PUBLIC_URL`. Those of `CORS_ORIGINS` on the domain of the passkeys are always among them.',
  }),
  RATE_LIMIT_MULTIPLIER: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Multiplies every request limit by address or session; for services behind a gateway that limits already.',
  }),
  DELETED_USER_RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3650,
    description: 'How long a deleted account can be restored.',
  }),
  DELETED_DOCUMENT_RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3650,
    description: 'How long a deleted document of a team’s own collections can be restored.',
  }),
  UNVERIFIED_RETENTION_DAYS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 3650,
    description:
      'Accounts whose mailbox was never proven and that nobody ever signed in to, imported ones too, are removed after so many days. 0: never.',
  }),
  DORMANCY_MONTHS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 120,
    description:
      'Accounts that nobody has signed in to for so many months become inactive, a month after their owners were warned by mail. At least 4, so that whoever stays signed in is not taken for gone. 0: never.',
  }),
  AUDIT_RETENTION_DAYS: Type.Integer({
    default: 400,
    minimum: 1,
    maximum: 36500,
    description:
      'How long audit events are kept. Each batch is sealed with the period that holds then, and kept that long whatever comes later.',
  }),
  HIDE_EXISTING_ACCOUNTS: Type.Boolean({
    default: false,
    description:
      'Sign-up and change of email answer alike whether an email has an account or not, and its owner is told by mail. Set `REQUIRE_VERIFIED_EMAIL` too: otherwise whoever signed up learns by signing in that the email was free.',
  }),
  REQUIRE_VERIFIED_EMAIL: Type.Boolean({
    default: false,
    description:
      'Nobody signs in before the mailbox is proven. The right password is answered `email-not-verified`, and another link is mailed; with `HIDE_EXISTING_ACCOUNTS` it is answered as a wrong one.',
  }),
  APP_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^/]+',
      description:
        'Where mailed links lead: `<APP_URL>/verify-email#token=…`, and likewise `reject-sign-up`, `reset-password`, `choose-password`, `confirm-email`, `magic-link`. Default: `PUBLIC_URL`, where the service has a small page for each.',
    }),
  ),
  WEBHOOK_ALLOW_PRIVATE_ADDRESSES: Type.Boolean({
    default: false,
    description:
      'Webhooks may go to this machine, to private networks and without TLS. Whoever may write webhooks can then make the service call what only it can reach.',
  }),
  WEBHOOK_DISABLE_AFTER_DAYS: Type.Integer({
    default: 5,
    minimum: 1,
    maximum: 30,
    description: 'A webhook to which nothing has got through for so long is disabled, and admins are told by mail.',
  }),
  ...BACKUP_SETTINGS,
  IDENTITY_PROVIDERS: Type.Optional(
    Type.String({
      description:
        'Providers by which people may sign in (OpenID Connect, OAuth 2), as a JSON array; [Identity providers](identities.md) tells what an entry holds.',
    }),
  ),
  IDENTITY_PROVIDERS_FILE: Type.Optional(
    Type.String({ description: 'A file that holds the same, for secrets that are mounted. Not beside it.' }),
  ),
});
