import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { signAccessToken } from '../lib/access-token.ts';
import { normaliseEmail } from '../lib/email.ts';
import type { AuditOrigin } from '../models/audit-event.ts';
import { provePassword } from '../models/password-proof.ts';
import { refreshSession } from '../models/session-refresh.ts';
import { findForSignIn, type IssuedSession, startSession } from '../models/sign-in.ts';
import { BODY_PROBLEMS, headers, problems, ref } from '../schemas/common.ts';
import { Refresh, Refreshed, SignedIn, SignIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { sessionView, userView } from './representations.ts';

const MINUTE_MS = 60_000;

/** Sign-in and refresh: what opens a session or keeps it open. */
export default async function sessions(app: App): Promise<void> {
  const { config, deps } = app;

  /** The session with its tokens, as its owner sees it once. */
  async function issued({ session, refreshToken }: IssuedSession) {
    const claims = {
      sub: session.userId.toHexString(),
      sid: session._id.toHexString(),
      roles: session.roles,
      amr: session.authenticationMethods,
    };
    const access = await signAccessToken(await deps.signingKeys.current(), claims, { issuer: config.PUBLIC_URL });
    return {
      session: sessionView(session, session),
      accessToken: access.accessToken,
      accessTokenExpiresAt: access.expiresAt.toISOString(),
      refreshToken,
      refreshTokenExpiresAt: session.idleExpiresAt.toISOString(),
    };
  }

  /** Proves the password and opens a session. @throws {AppError} `invalid-credentials`, `rate-limited` */
  async function openSession(email: string, password: string, from: AuditOrigin) {
    const options = { ...deps, maxFailures: config.SIGN_IN_FAILURES };
    // A second time, if the account changed in between: a parallel sign-in may have renewed the very hash.
    for (let tries = 0; tries < 2; tries += 1) {
      const attempt = { email, password, action: 'session.created' } as const;
      const { user, renew } = await provePassword(findForSignIn, attempt, from, options);
      const renewedHash = renew ? await deps.passwords.hash(password) : undefined;
      const origin = { ...from, actor: { type: 'user', id: user._id } } as const;
      const started = await transaction((tx) =>
        startSession(tx, origin, user, { keyring: deps.keyring, lifetimes: config, renewedHash }),
      );
      if (started) return started;
    }
    throw new AppError('invalid-credentials');
  }

  app.post(
    '/sessions',
    {
      schema: {
        operationId: 'signIn',
        summary: 'Sign in',
        tags: ['Sessions'],
        body: ref(SignIn),
        response: {
          201: { ...ref(SignedIn), description: 'A new session.', headers: headers('Location') },
          ...problems(...BODY_PROBLEMS, 'idempotency-not-supported', 'invalid-credentials'),
        },
      },
      config: { limit: { name: 'sign-in', max: 60, windowMs: 5 * MINUTE_MS }, secretResponse: true },
    },
    async (request, reply) => {
      const email = normaliseEmail(request.body.email);
      if (email === undefined) throw invalidEmail();
      const started = await openSession(email, request.body.password, request.origin);
      void reply.code(201).header('location', `/v1/sessions/${started.session._id.toHexString()}`);
      return { ...(await issued(started)), user: userView(started.user) };
    },
  );

  app.post(
    '/sessions/refresh',
    {
      schema: {
        operationId: 'refreshSession',
        summary: 'Refresh a session',
        description:
          'Exchanges the refresh token for a new pair. A token used before ends its session, but a retry within 10 seconds gets the same successor.',
        tags: ['Sessions'],
        body: ref(Refresh),
        response: {
          200: { ...ref(Refreshed), description: 'The session with new tokens.' },
          ...problems(...BODY_PROBLEMS, 'idempotency-not-supported', 'invalid-token', 'refresh-token-reused'),
        },
      },
      config: { limit: { name: 'refresh', max: 120, windowMs: MINUTE_MS }, secretResponse: true },
    },
    async (request) => {
      const { refreshToken } = request.body;
      return issued(await refreshSession(refreshToken, request.origin, { keyring: deps.keyring, lifetimes: config }));
    },
  );
}

const invalidEmail = (): AppError =>
  new AppError('validation-failed', {
    errors: [{ pointer: '/email', code: 'invalid-email', detail: 'must be one email address' }],
  });
