import type { AddressInfo } from 'node:net';
import type { Connection } from 'mongoose';
import { buildApp } from './app.ts';
import { openBackups } from './backups.ts';
import { missingUniqueIndexes } from './collections/index.ts';
import type { Config } from './config.ts';
import { connect, disconnect } from './database.ts';
import { openDependencies } from './dependencies.ts';
import { provideDatabase } from './embedded/index.ts';
import type { Say } from './embedded/say.ts';
import { countActivityDaily } from './jobs/count-activity.ts';
import { retentionJob } from './jobs/retention.ts';
import { rotateSigningKeys } from './jobs/rotate-signing-keys.ts';
import { JobRunner } from './jobs/runner.ts';
import { sealAuditEvents } from './jobs/seal-audit-events.ts';
import { settleDocuments } from './jobs/settle-documents.ts';
import { openKeyring } from './keyring-file.ts';
import { createLogger } from './logging.ts';
import { openMail } from './mail.ts';
import { type MetricsServer, serveMetrics } from './metrics-server.ts';
import { applyMigrations, pendingMigrations } from './migrations.ts';
import { User } from './models/user.ts';
import { retentionRules } from './retention/rules.ts';
import { watchSlowCommands } from './slow-commands.ts';
import { letOthersGoFirst } from './thread-priority.ts';
import type { App } from './types/fastify.ts';
import { openWebhooks } from './webhooks.ts';

const IDLE_CHECK_MS = 50;

/** The service cannot start as things stand; the message says why, and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface Service {
  readonly app: App;
  /** Where the API answers, such as `http://127.0.0.1:3000`. */
  readonly address: string;
  readonly metricsAddress: string;
  /** Where mail goes. */
  readonly mail: string;
  /** There is no account yet. */
  readonly empty: boolean;
  /** Resolves with the reason when a database that came along ends although it is still in use. */
  readonly databaseLost: Promise<string>;
  /** Says to whoever asks whether it is ready that it is not, and serves on. */
  leave(): void;
  /** Finishes the requests in flight, as far as SHUTDOWN_GRACE_MS allows, then closes everything. */
  close(): Promise<void>;
}

/** What has been opened so far, to be closed in the opposite order, whether the start succeeds or fails. */
class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.unshift(step);
  }

  /** Takes every step, also when one of them fails. @throws the first failure */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0)) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

/**
 * Starts everything that a process of the service consists of.
 * @throws {StartError} and the errors of configuration, keyring and database, each telling what to do
 */
export async function startService(config: Config, say: Say): Promise<Service> {
  const closing = new Closing();
  try {
    return await open(config, say, closing);
  } catch (error) {
    await closing.run().catch(() => {});
    throw error;
  }
}

async function open(config: Config, say: Say, closing: Closing): Promise<Service> {
  const keyring = openKeyring(config);
  const database = await provideDatabase(config, say);
  closing.add(database.stop);
  const connection = await connect(database.uri, config);
  closing.add(disconnect);
  await bringUpToDate(config, connection, database.uri, say);

  const logger = createLogger(config);
  const stopWatching = watchSlowCommands(connection.getClient(), { thresholdMs: config.SLOW_QUERY_MS, log: logger });
  closing.add(async () => stopWatching());
  const leaving = new AbortController();
  const deps = { ...(await openDependencies(config, keyring)), logger, leaving: leaving.signal };
  // By now the threads are there: files have been read.
  letOthersGoFirst();
  const app = await buildApp(config, deps);
  const mail = openMail(app);
  // Behind the requests in flight: what they put into the outbox still has a chance to leave.
  closing.add(mail.stop);
  const webhooks = openWebhooks(app);
  closing.add(() => webhooks.stop());
  closing.add(() => closeApp(app));

  const jobs = scheduledJobs(app, connection, database.uri);
  closing.add(() => jobs.stop());

  app.metrics.watchProcess();
  const metrics = await listenForMetrics(app);
  closing.add(metrics.close);
  await listen(app);
  // A start that fails has sent nothing.
  mail.start();
  webhooks.start();
  void jobs.start();
  return {
    app,
    address: addressOf(config.HOST, (app.server.address() as AddressInfo).port),
    metricsAddress: `${addressOf(config.HOST, metrics.port)}/metrics`,
    mail: mail.destination,
    empty: (await User.exists({})) === null,
    databaseLost: database.lost,
    leave: () => leaving.abort(),
    close: () => closing.run(),
  };
}

/** All that is done on a schedule; nothing of it runs yet. */
function scheduledJobs(app: App, connection: Connection, uri: string): JobRunner {
  const { config, deps, log, metrics } = app;
  const { keyring, signingKeys } = deps;
  const jobs = new JobRunner({ log, metrics });
  jobs.register(rotateSigningKeys(signingKeys));
  jobs.register(retentionJob(retentionRules(config, keyring), metrics));
  jobs.register(sealAuditEvents({ keyring, retentionDays: config.AUDIT_RETENTION_DAYS }, log));
  for (const job of [countActivityDaily, settleDocuments, ...openBackups(app, connection, uri)]) jobs.register(job);
  return jobs;
}

/** @throws {StartError} when the database is not as this build needs it */
async function bringUpToDate(config: Config, connection: Connection, uri: string, say: Say): Promise<void> {
  if (config.NODE_ENV === 'production') {
    const pending = await pendingMigrations(connection);
    if (pending.length > 0)
      throw new StartError(`Migrations are pending: ${pending.join(', ')}. Run "npx migrate-mongo up" first.`);
  } else {
    await applyMigrations(uri, say);
  }
  const missing = await missingUniqueIndexes(connection);
  if (missing.length > 0)
    throw new StartError(
      `Unique indexes are missing: ${missing.join(', ')}. Without them two accounts could share what must be unique. "bin/roster schema check" tells what else differs.`,
    );
}

const listen = (app: App): Promise<string> =>
  app
    .listen({ host: app.config.HOST, port: app.config.PORT, listenTextResolver: () => 'listening' })
    .catch(portTaken('PORT', app.config.PORT));

const listenForMetrics = ({ config, metrics }: App): Promise<MetricsServer> =>
  serveMetrics(metrics.registry, config.HOST, config.METRICS_PORT).catch(
    portTaken('METRICS_PORT', config.METRICS_PORT),
  );

/** Makes of a failed `listen` what an operator can act on. */
const portTaken =
  (variable: string, port: number) =>
  (error: NodeJS.ErrnoException): never => {
    if (error.code === 'EADDRINUSE')
      throw new StartError(
        `Port ${port} is taken. Stop what listens there, or set ${variable} to another one (0: any).`,
      );
    if (error.code === 'EACCES')
      throw new StartError(`Port ${port} needs privileges. Set ${variable} to one above 1023.`);
    if (error.code === 'EADDRNOTAVAIL') throw new StartError('HOST is not an address of this machine.');
    throw error;
  };

const addressOf = (host: string, port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Stops listening and waits for the requests in flight; those that outlast the grace period are cut off. */
async function closeApp(app: App): Promise<void> {
  const { server, config } = app;
  // A connection that was busy when closing began is idle once it has its answer, and nobody else would close it.
  const tidyUp = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cutOff = setTimeout(() => server.closeAllConnections(), config.SHUTDOWN_GRACE_MS);
  try {
    await app.close();
  } finally {
    clearInterval(tidyUp);
    clearTimeout(cutOff);
  }
}
