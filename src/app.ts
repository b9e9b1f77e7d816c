import fastify from 'fastify';
import { resources } from './collections/index.ts';
import type { Config } from './config.ts';
import { createMetrics } from './metrics.ts';
import afterwards from './plugins/afterwards.ts';
import audit from './plugins/audit.ts';
import authentication, { guard } from './plugins/authentication.ts';
import denials from './plugins/denials.ts';
import errorHandler from './plugins/error-handler.ts';
import idempotency from './plugins/idempotency.ts';
import metrics from './plugins/metrics.ts';
import openapi, { documentation } from './plugins/openapi.ts';
import rateLimit from './plugins/rate-limit.ts';
import requestContext from './plugins/request-context.ts';
import security from './plugins/security.ts';
import sessionCookies from './plugins/session-cookies.ts';
import validation from './plugins/validation.ts';
import adminApiKeys from './routes/admin-api-keys.ts';
import adminErasure from './routes/admin-erasure.ts';
import adminNewUsers from './routes/admin-new-users.ts';
import adminStatistics from './routes/admin-statistics.ts';
import adminUserSessions from './routes/admin-user-sessions.ts';
import adminUserStatus from './routes/admin-user-status.ts';
import adminUsers from './routes/admin-users.ts';
import auditEvents from './routes/audit-events.ts';
import backups from './routes/backups.ts';
import emailChanges, { myEmail } from './routes/email-changes.ts';
import emailVerifications from './routes/email-verifications.ts';
import exportMe from './routes/export-me.ts';
import factors, { changeFactors } from './routes/factors.ts';
import health from './routes/health.ts';
import identities from './routes/identities.ts';
import identityCallback from './routes/identity-callback.ts';
import jobs from './routes/jobs.ts';
import jwks from './routes/jwks.ts';
import magicLink from './routes/magic-link.ts';
import me, { leave } from './routes/me.ts';
import myActivity from './routes/my-activity.ts';
import myIdentities, { changeMyIdentities } from './routes/my-identities.ts';
import mySessions from './routes/my-sessions.ts';
import pages from './routes/pages.ts';
import passkeySignIn from './routes/passkey-sign-in.ts';
import passkeys, { changePasskeys } from './routes/passkeys.ts';
import passwordResets from './routes/password-resets.ts';
import problems from './routes/problems.ts';
import reauthentication from './routes/reauthentication.ts';
import type { Resource } from './routes/resource/declaration.ts';
import retention from './routes/retention.ts';
import secondFactor from './routes/second-factor.ts';
import sessions from './routes/sessions.ts';
import users from './routes/users.ts';
import webhookDeliveries from './routes/webhook-deliveries.ts';
import webhooks from './routes/webhooks.ts';
import { serverOptions } from './server-options.ts';
import type { Access, App, Dependencies } from './types/fastify.ts';

/** Routes of one access level: the level is that of the scope they stand in, and there is no other way to get one. */
const scope = (access: Access, routes: readonly ((app: App) => Promise<void>)[]) => async (app: App) => {
  guard(app, access);
  for (const route of routes) await app.register(route);
};

/** Routes of domain collections: each declares who may call it, and by that in which scope it stands. */
const domain = (access: keyof Resource['scopes']) => resources.map(({ scopes }) => scopes[access]);

/**
 * Assembles the service, without listening: what tests build is what production runs.
 * The second half is its security map: which routes stand in which scope.
 */
export async function buildApp(config: Config, deps: Dependencies): Promise<App> {
  const app: App = fastify(serverOptions(config, deps.logger));
  app.decorate('config', config).decorate('deps', deps).decorate('metrics', createMetrics(deps));

  await app.register(requestContext);
  await app.register(errorHandler);
  await app.register(security);
  await app.register(validation);
  await app.register(afterwards);
  await app.register(metrics);
  await app.register(openapi, { resources });
  await app.register(sessionCookies);
  await app.register(authentication);
  await app.register(audit);
  await app.register(denials);
  await app.register(rateLimit);
  await app.register(idempotency);

  await app.register(scope('public', [health, jwks, problems, documentation, pages]));
  await app.register(scope('public', [users, emailVerifications, emailChanges, passwordResets]), { prefix: '/v1' });
  await app.register(scope('public', [sessions, secondFactor, magicLink, passkeySignIn]), { prefix: '/v1' });
  await app.register(scope('public', [identities, identityCallback]), { prefix: '/v1' });
  await app.register(
    scope('signed-in', [me, myActivity, mySessions, reauthentication, factors, passkeys, myIdentities]),
    {
      prefix: '/v1',
    },
  );
  await app.register(
    scope('recently-authenticated', [leave, exportMe, myEmail, changeFactors, changePasskeys, changeMyIdentities]),
    { prefix: '/v1' },
  );
  await app.register(
    scope('admin', [adminUsers, adminNewUsers, adminUserStatus, adminUserSessions, adminErasure, adminApiKeys]),
    { prefix: '/v1/admin' },
  );
  await app.register(
    scope('admin', [auditEvents, adminStatistics, webhooks, webhookDeliveries, jobs, retention, backups]),
    {
      prefix: '/v1/admin',
    },
  );
  for (const access of ['public', 'signed-in', 'admin'] as const)
    await app.register(scope(access, domain(access)), { prefix: access === 'admin' ? '/v1/admin' : '/v1' });
  return app;
}
