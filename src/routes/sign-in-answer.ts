import type { FastifyReply, FastifyRequest } from 'fastify';
import { list } from '../config.ts';
import { type Transaction, transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { signAccessToken, verifyAccessToken } from '../lib/access-token.ts';
import { mintDeviceToken, readDeviceToken } from '../lib/device-token.ts';
import { rolesInForce } from '../lib/permissions.ts';
import { recordAuditEvent } from '../models/audit-event.ts';
import { requestVerification } from '../models/email-verification.ts';
import { challengeSecondFactor, needsSecondFactor } from '../models/second-factor.ts';
import { endReplacedSessions, type HeldSession } from '../models/session-end.ts';
import { sessionOfRefreshToken } from '../models/session-refresh.ts';
import { type IssuedSession, type Proof, startSession } from '../models/sign-in.ts';
import type { UserRecord } from '../models/user.ts';
import { sessionCookies, setSessionCookies, transportOf } from '../plugins/session-cookies.ts';
import type { SessionTransport } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { mailOptions } from './mailed.ts';
import { sessionView, userView } from './representations.ts';

type Started = IssuedSession & { readonly user: UserRecord };

/** Uses up, in the transaction of the sign-in, what was proven; null when somebody else was quicker. */
export type Prove = (tx: Transaction) => Promise<Proof | null>;

/**
 * What every way to sign in ends with, so that none forgets the second factor, or what a browser asked for: a session
 * with its tokens, or the challenge for the second step.
 */
export function signInAnswers({ config, deps }: Pick<App, 'config' | 'deps'>) {
  const options = { keyring: deps.keyring, lifetimes: config };
  const parties = { issuer: config.PUBLIC_URL };
  const strict = new Set(list(config.SECOND_FACTOR_ROLES));

  /** The session as its owner sees it; its tokens, which are shown this once, go into the answer or into cookies. */
  async function issued(reply: FastifyReply, { session, refreshToken }: IssuedSession, transport: SessionTransport) {
    const claims = {
      sub: session.userId.toHexString(),
      sid: session._id.toHexString(),
      // Other services believe the token without asking here: it must not say more than this service grants.
      roles: rolesInForce(session, strict),
      amr: session.authenticationMethods,
    };
    const { accessToken, expiresAt } = await signAccessToken(await deps.signingKeys.current(), claims, parties);
    if (transport === 'cookie')
      setSessionCookies(reply, {
        access: { token: accessToken, expiresAt },
        refresh: { token: refreshToken, expiresAt: session.idleExpiresAt },
      });
    return {
      session: sessionView(deps.keyring, session, session),
      accessTokenExpiresAt: expiresAt.toISOString(),
      refreshTokenExpiresAt: session.idleExpiresAt.toISOString(),
      ...(transport === 'token' && { accessToken, refreshToken }),
    };
  }

  /** The sessions that the browser brings along, each proven by its own cookie; whose they are makes no difference. */
  async function heldSessions(request: FastifyRequest): Promise<HeldSession[]> {
    const { access, refresh } = sessionCookies(request);
    const held = await Promise.all([
      access && verifyAccessToken(access, (kid) => deps.signingKeys.find(kid), parties),
      refresh && sessionOfRefreshToken(refresh, deps.keyring),
    ]);
    return held.flatMap((each) => each || []);
  }

  /** A device that comes again keeps its name, so that its tries are counted on. */
  function deviceTokenFor({ body }: FastifyRequest, userId: string): string {
    const { deviceToken } = (body ?? {}) as { readonly deviceToken?: string };
    const known = deviceToken === undefined ? undefined : readDeviceToken(deps.keyring, userId, deviceToken);
    return mintDeviceToken(deps.keyring, userId, known);
  }

  /** Answers 201 with a new session. */
  async function signedIn(request: FastifyRequest, reply: FastifyReply, started: Started, transport: SessionTransport) {
    void reply.code(201).header('location', `/v1/sessions/${started.session._id.toHexString()}`);
    const deviceToken = deviceTokenFor(request, started.user._id.toHexString());
    return { ...(await issued(reply, started, transport)), deviceToken, user: userView(deps.keyring, started.user) };
  }

  /** Whatever else was proven, the mailbox was not: another link is mailed, and nothing opened. */
  async function refuseUnverified({ origin }: FastifyRequest, reply: FastifyReply, { _id: id, email }: Proof['user']) {
    const error = new AppError('email-not-verified');
    const target = { collection: 'users', id };
    await recordAuditEvent(undefined, origin, {
      action: 'session.created',
      outcome: 'denied',
      reason: error.code,
      target,
    });
    reply.afterwards(() => requestVerification(email, mailOptions({ config, deps })));
    return error;
  }

  /**
   * Opens a session by what `prove` proves, or undefined when the account has changed meanwhile.
   * @param transport what the body asks for, whose origin has been checked by then; whoever takes it from elsewhere
   *   checks by its own means that the browser itself began
   * @throws {AppError} `mfa-required` with the challenge, when another factor is needed; `email-not-verified`
   */
  async function signIn(
    request: FastifyRequest,
    reply: FastifyReply,
    prove: Prove,
    transport: SessionTransport = transportOf(request),
  ) {
    const held = transport === 'cookie' ? await heldSessions(request) : [];
    const outcome = await transaction(async (tx) => {
      const proof = await prove(tx);
      if (!proof) return null;
      if (config.REQUIRE_VERIFIED_EMAIL && !proof.user.emailVerified) return { unverified: proof.user };
      const origin = { ...request.origin, actor: { type: 'user', id: proof.user._id } } as const;
      if (needsSecondFactor(proof)) return challengeSecondFactor(tx, origin, proof, deps.keyring);
      const started = await startSession(tx, origin, proof, options);
      if (started) await endReplacedSessions(tx, origin, held);
      return started;
    });
    if (!outcome) return undefined;
    if ('unverified' in outcome) throw await refuseUnverified(request, reply, outcome.unverified);
    if ('challenge' in outcome) throw new AppError('mfa-required', { members: outcome });
    return signedIn(request, reply, outcome, transport);
  }

  return { issued, signIn };
}
