import { randomBytes } from 'node:crypto';
import mongoose from 'mongoose';
import { inject } from 'vitest';
import { buildApp } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { connect, disconnect } from '../../src/database.ts';
import { openDependencies, passwordsOf } from '../../src/dependencies.ts';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { createLogger } from '../../src/logging.ts';
import { applyMigrations } from '../../src/migrations.ts';
import { forgetSubscriptions } from '../../src/models/webhook-subscriptions.ts';
import type { App, Dependencies } from '../../src/types/fastify.ts';
import { leaveDatabase, migratedDatabase } from './migrated-database.ts';

export interface TestApp {
  readonly app: App;
  readonly config: Config;
  readonly deps: Dependencies;
  /** Every line that the service has logged, parsed. */
  readonly logged: () => Record<string, unknown>[];
  /** The same as text, to search it for what must not be there. */
  readonly log: () => string;
  /** Another instance over the same database, with the same keys. */
  another(overrides?: Record<string, string>): Promise<TestApp>;
  close(): Promise<void>;
}

/** Limits would make tests depend on each other; those about limits set it to 1. */
const DEFAULTS = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  RATE_LIMIT_MULTIPLIER: '1000000',
  // The tests of the delays set it.
  SIGN_IN_DELAY_MS: '0',
  // A busy machine must not turn a test's requests away; the test of load shedding sets it.
  MAX_EVENT_LOOP_DELAY_MS: '60000',
};

/**
 * Passwords are hashed as cheaply as argon2 can, except where a test says what they cost: what thousands of hashes take
 * is the largest part of what most tests would take.
 */
const CHEAP_HASH = { ARGON2_MEMORY_KIB: 1024, ARGON2_PASSES: 2, ARGON2_PARALLELISM: 1 };

/** For tests of what a hash costs: that of the service's defaults. */
export const REAL_HASH = { ARGON2_MEMORY_KIB: '19456' } as const;

/** The URI of a database that nothing else uses, on the server that all tests share. */
export function freshDatabaseUri(): string {
  const uri = new URL(inject('mongodbUri'));
  uri.pathname = `/test_${randomBytes(8).toString('hex')}`;
  return uri.href;
}

/**
 * The service as production runs it, over a migrated database of its own. One a file: models live on mongoose's
 * default connection. `overrides` are environment variables; `extend` adds routes that only a test needs.
 */
export async function buildTestApp(
  overrides: Record<string, string> = {},
  extend: (app: App) => void = () => {},
): Promise<TestApp> {
  const given = overrides['MONGODB_URI'];
  const uri = given ?? (await migratedDatabase(freshDatabaseUri));
  if (given !== undefined) await applyMigrations(given, () => {});
  const environment = { ...DEFAULTS, KEYRING: generateKeyringSpec(), MONGODB_URI: uri, ...overrides };
  await connect(environment.MONGODB_URI, loadConfig(environment));
  const instances: App[] = [];

  async function instance(more: Record<string, string>): Promise<TestApp> {
    const config = loadConfig({ ...environment, ...more });
    const lines: string[] = [];
    const logger = createLogger(config, { write: (line) => void lines.push(line) });
    const dear = 'ARGON2_MEMORY_KIB' in { ...environment, ...more };
    const passwords = passwordsOf(dear ? config : { ...config, ...CHEAP_HASH });
    const deps = { ...(await openDependencies(config, parseKeyring(config.KEYRING ?? ''))), passwords, logger };
    const app = await buildApp(config, deps);
    extend(app);
    await app.ready();
    instances.push(app);
    return {
      app,
      config,
      deps,
      logged: () => lines.map((line) => JSON.parse(line)),
      log: () => lines.join(''),
      another: instance,
      close: () => app.close(),
    };
  }

  const first = await instance({});
  return {
    ...first,
    close: async () => {
      await Promise.all(instances.map((app) => app.close()));
      if (given === undefined) await leaveDatabase(uri);
      else await mongoose.connection.dropDatabase();
      await disconnect();
      // What the next file's database holds is something else.
      forgetSubscriptions();
    },
  };
}
