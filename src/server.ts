import { resolve } from 'node:path';
import { MongoError } from 'mongodb';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { isDatabaseOutOfReach } from './database-errors.ts';
import { DatabaseUnavailableError } from './embedded/index.ts';
import { DecryptionError, KeyringError } from './lib/keyring.ts';
import { UnfinishedRestoreError } from './migration-lock.ts';
import { type Service, StartError, startService } from './service.ts';
import { shutDownOnSignals } from './shutdown.ts';

/** libuv's own default. The pool exists before the first line of a program runs, so only the environment sizes it. */
const THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

/** For people; the log has stdout to itself. */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** What an operator can act on is told as it stands; anything else is a bug, and its stack is what helps. */
function explain(error: unknown): string {
  if (isDatabaseOutOfReach(error)) return `The database does not answer: ${(error as Error).message}`;
  if (error instanceof MongoError) return `The database of MONGODB_URI cannot be used: ${error.message}`;
  if (error instanceof DecryptionError)
    return `The keyring does not open what the database holds. Start with the KEYRING that it was written with. (${error.message})`;
  const expected = [ConfigError, DatabaseUnavailableError, KeyringError, StartError, UnfinishedRestoreError];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function greet(config: Config, { address, metricsAddress, mail, empty }: Service): void {
  say(`API:      ${address}`);
  say(`Docs:     ${address}/docs`);
  say(`Metrics:  ${metricsAddress}`);
  say(
    `Data:     ${config.MONGODB_URI === undefined ? resolve(config.DATA_DIRECTORY) : 'in the database of MONGODB_URI'}`,
  );
  say(`Mail:     ${mail}`);
  if (empty) say('There is no account yet. Make the first admin:  bin/roster admin create --email you@example.com');
  if (config.HASHING_CONCURRENCY >= THREADS)
    say(
      `This process has ${THREADS} threads for ${config.HASHING_CONCURRENCY} passwords at once and everything else. Start it with UV_THREADPOOL_SIZE=${config.HASHING_CONCURRENCY + 2}.`,
    );
}

async function main(): Promise<void> {
  const config = loadConfig();
  const service = await startService(config, say);
  const { log } = service.app;
  const { SHUTDOWN_DELAY_MS: delayMs, SHUTDOWN_GRACE_MS: graceMs } = config;
  const stop = shutDownOnSignals({ log, leave: service.leave, delayMs, close: service.close, graceMs });
  // Also resolves when the service itself leaves the database, and then it is stopping already.
  void service.databaseLost.then((reason) => stop(1, `the database ended: ${reason}`));
  greet(config, service);
}

main().catch((error: unknown) => {
  say(explain(error));
  process.exit(1);
});
