import { randomBytes } from 'node:crypto';
import type { Connection } from 'mongoose';
import { Secret, TOTP } from 'otpauth';
import { buildApp } from '../app.ts';
import { verifyAuditTrail } from '../audit/verify.ts';
import { missingUniqueIndexes } from '../collections/index.ts';
import type { Config } from '../config.ts';
import { transaction } from '../database.ts';
import { openDependencies } from '../dependencies.ts';
import { survey } from '../key-rotation/survey.ts';
import type { Keyring } from '../lib/keyring.ts';
import { createLogger } from '../logging.ts';
import { pendingMigrations } from '../migrations.ts';
import { OPERATOR } from '../models/audit-event.ts';
import { OneTimeToken } from '../models/one-time-token.ts';
import { Outbox } from '../models/outbox.ts';
import { Session } from '../models/session.ts';
import { createUser } from '../models/user-account.ts';
import { WebhookDelivery } from '../models/webhook-delivery.ts';
import type { App } from '../types/fastify.ts';

/**
 * Whether a service can live on a restored database: that the models are connected to. It leaves an account there, so
 * the database is one that nobody needs.
 * @returns what is wrong, a line for each; empty when nothing is
 */
export async function examine(connection: Connection, config: Config, keyring: Keyring): Promise<string[]> {
  const db = connection.getClient().db(connection.name);
  const { unreadable } = await survey(db, keyring, () => {});
  const { verified } = await verifyAuditTrail({ keyring });
  const left = {
    sessions: await Session.countDocuments({}),
    'one-time tokens': await OneTimeToken.countDocuments({}),
    'mails to send': await Outbox.countDocuments({ dueAt: { $exists: true } }),
    'deliveries of webhooks': await WebhookDelivery.countDocuments({ dueAt: { $exists: true } }),
  };
  return [
    ...(await pendingMigrations(connection)).map((file) => `migration ${file} is pending`),
    ...(await missingUniqueIndexes(connection)).map((index) => `the unique index ${index} is missing`),
    ...(unreadable > 0 ? [`${unreadable} encrypted values do not open`] : []),
    ...verified.listed.map(({ code, seal }) => `the audit trail does not verify: ${code} at seal ${seal}`),
    ...Object.entries(left).flatMap(([what, count]) => (count > 0 ? [`${what} are left: ${count}`] : [])),
    ...(await tryService(config, keyring)),
  ];
}

/** @returns what keeps a service from living there; empty when nothing does */
async function tryService(config: Config, keyring: Keyring): Promise<string[]> {
  try {
    const logger = createLogger({ ...config, LOG_LEVEL: 'silent' });
    const app = await buildApp(config, { ...(await openDependencies(config, keyring)), logger });
    await signInTwice(app).finally(() => app.close());
    return [];
  } catch (error) {
    return [`the service does not work on it: ${(error as Error).message}`];
  }
}

/** By a password, and by a second factor, as people do. @throws Error saying which answer was another one */
async function signInTwice(app: App): Promise<void> {
  const ask = async (expected: number, url: string, body: object, accessToken?: string) => {
    const authorization = accessToken && { authorization: `Bearer ${accessToken}` };
    const answer = await app.inject({ method: 'POST', url, payload: body, headers: { ...authorization } });
    const { code } = answer.json();
    if (answer.statusCode !== expected) throw new Error(`POST ${url} answers ${answer.statusCode} ${code ?? ''}`);
    return answer.json();
  };
  const email = `drill.${randomBytes(8).toString('hex')}@example.com`;
  const password = randomBytes(24).toString('base64');
  const passwordHash = await app.deps.passwords.hash(password);
  const account = { email, passwordHash, profile: {}, emailVerified: true };
  await transaction((tx) => createUser(tx, OPERATOR, app.deps.names, account));
  const { accessToken } = await ask(201, '/v1/sessions', { email, password });
  const { secret } = await ask(201, '/v1/users/me/factors/totp', {}, accessToken);
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  const [now, next] = [Date.now(), Date.now() + totp.period * 1_000];
  await ask(200, '/v1/users/me/factors/totp/confirm', { code: totp.generate({ timestamp: now }) }, accessToken);
  const { challenge } = await ask(401, '/v1/sessions', { email, password });
  // The code that confirmed it is spent; the next one is taken already.
  const code = totp.generate({ timestamp: next });
  await ask(201, '/v1/sessions/mfa', { challenge, method: 'totp', code });
}
