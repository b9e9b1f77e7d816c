import type { FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { AppError, type ErrorCode } from '../errors.ts';
import { normaliseEmail } from '../lib/email.ts';
import type { AuditOrigin } from '../models/audit-event.ts';
import { provePassword } from '../models/password-proof.ts';
import { refreshSession } from '../models/session-refresh.ts';
import { findForSignIn, type Proof } from '../models/sign-in.ts';
import { sessionCookies } from '../plugins/session-cookies.ts';
import { BODY_PROBLEMS, headers, problems, ref, SIGN_IN_PROBLEMS } from '../schemas/common.ts';
import { Refresh, Refreshed, SignedIn, SignIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { signInAnswers } from './sign-in-answer.ts';

type SignInBody = Static<typeof SignIn>;

const MINUTE_MS = 60_000;

const REFRESH_PROBLEMS = [
  'idempotency-not-supported',
  'invalid-token',
  'refresh-token-reused',
  'foreign-origin',
] as const satisfies ErrorCode[];

/** Sign-in and refresh: what opens a session or keeps it open. */
export default async function sessions(app: App): Promise<void> {
  const { config, deps } = app;

  const { issued, signIn } = signInAnswers(app);

  /** Proves the password. @throws {AppError} `invalid-credentials`, `rate-limited` */
  async function proofOf(email: string, { password, deviceToken }: SignInBody, origin: AuditOrigin): Promise<Proof> {
    const attempt = { email, password, deviceToken, action: 'session.created' } as const;
    // Whoever signed up with an email and is told that it is unverified has learned that it was free.
    const verifiedOnly = config.REQUIRE_VERIFIED_EMAIL && config.HIDE_EXISTING_ACCOUNTS;
    const { user, renew } = await provePassword(findForSignIn, attempt, origin, { ...deps, verifiedOnly });
    const renewedHash = renew ? await deps.passwords.hash(password) : undefined;
    return { user, methods: ['pwd'], guard: { passwordHash: user.passwordHash }, renewedHash };
  }

  app.post(
    '/sessions',
    {
      schema: {
        operationId: 'signIn',
        summary: 'Sign in',
        description: 'With `transport: "cookie"` it also ends the session that the browser had before.',
        tags: ['Sessions'],
        body: ref(SignIn),
        response: {
          201: { ...ref(SignedIn), description: 'A new session.', headers: headers('Location', 'Set-Cookie') },
          ...problems(...BODY_PROBLEMS, ...SIGN_IN_PROBLEMS),
        },
      },
      config: { limit: { name: 'sign-in', max: 60, windowMs: 5 * MINUTE_MS }, secretResponse: true, hashes: true },
    },
    async (request, reply) => {
      const email = normaliseEmail(request.body.email);
      if (email === undefined) throw invalidEmail();
      // A second time, if the account changed in between: a parallel sign-in may have renewed the very hash.
      for (let tries = 0; tries < 2; tries += 1) {
        const proof = await proofOf(email, request.body, request.origin);
        const answer = await signIn(request, reply, async () => proof);
        if (answer) return answer;
      }
      throw new AppError('invalid-credentials');
    },
  );

  app.post(
    '/sessions/refresh',
    {
      schema: {
        operationId: 'refreshSession',
        summary: 'Refresh a session',
        description:
          'Exchanges the refresh token for a new pair. A token used before ends its session, but a retry within 10 seconds gets the same successor. Without `refreshToken` that of the cookie is taken, and the new pair are cookies again.',
        tags: ['Sessions'],
        body: ref(Refresh),
        response: {
          200: { ...ref(Refreshed), description: 'The session with new tokens.', headers: headers('Set-Cookie') },
          ...problems(...BODY_PROBLEMS, ...REFRESH_PROBLEMS),
        },
      },
      config: { limit: { name: 'refresh', max: 120, windowMs: MINUTE_MS }, secretResponse: true },
      // Where the cookie says it all, an empty body is as good as `{}`.
      preValidation: (request, _reply, done) => {
        request.body ??= {};
        done();
      },
    },
    async (request, reply) => {
      const { token, transport } = presentedToken(request, request.body);
      const refreshed = await refreshSession(token, request.origin, { keyring: deps.keyring, lifetimes: config });
      return issued(reply, refreshed, transport);
    },
  );
}

/**
 * The refresh token of the body, which is answered by tokens, or of the cookie, which is answered by cookies: no script
 * of a page can turn the one into the other.
 */
function presentedToken(request: FastifyRequest, { refreshToken }: Static<typeof Refresh>) {
  if (refreshToken !== undefined) return { token: refreshToken, transport: 'token' } as const;
  const { refresh } = sessionCookies(request);
  if (refresh === undefined) throw tokenMissing();
  request.server.refuseForeignOrigin(request);
  return { token: refresh, transport: 'cookie' } as const;
}

const tokenMissing = (): AppError =>
  new AppError('validation-failed', {
    errors: [{ pointer: '/refreshToken', code: 'required', detail: 'is required where no cookie brings it' }],
  });

const invalidEmail = (): AppError =>
  new AppError('validation-failed', {
    errors: [{ pointer: '/email', code: 'invalid-email', detail: 'must be one email address' }],
  });
