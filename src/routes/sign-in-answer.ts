import type { FastifyReply, FastifyRequest } from 'fastify';
import { list } from '../config.ts';
import { type Transaction, transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { signAccessToken } from '../lib/access-token.ts';
import { mintDeviceToken, readDeviceToken } from '../lib/device-token.ts';
import { rolesInForce } from '../lib/permissions.ts';
import { challengeSecondFactor, needsSecondFactor } from '../models/second-factor.ts';
import { type IssuedSession, type Proof, startSession } from '../models/sign-in.ts';
import type { UserRecord } from '../models/user.ts';
import type { App } from '../types/fastify.ts';
import { sessionView, userView } from './representations.ts';

type Started = IssuedSession & { readonly user: UserRecord };

/** Uses up, in the transaction of the sign-in, what was proven; null when somebody else was quicker. */
export type Prove = (tx: Transaction) => Promise<Proof | null>;

/**
 * What every way to sign in ends with, so that none forgets the second factor: a session with its tokens, or the
 * challenge for the second step.
 */
export function signInAnswers({ config, deps }: Pick<App, 'config' | 'deps'>) {
  const options = { keyring: deps.keyring, lifetimes: config };
  const strict = new Set(list(config.SECOND_FACTOR_ROLES));

  /** The session with its tokens, as its owner sees it once. */
  async function issued({ session, refreshToken }: IssuedSession) {
    const claims = {
      sub: session.userId.toHexString(),
      sid: session._id.toHexString(),
      // Other services believe the token without asking here: it must not say more than this service grants.
      roles: rolesInForce(session, strict),
      amr: session.authenticationMethods,
    };
    const access = await signAccessToken(deps.signingKeys.current(), claims, { issuer: config.PUBLIC_URL });
    return {
      session: sessionView(session, session),
      accessToken: access.accessToken,
      accessTokenExpiresAt: access.expiresAt.toISOString(),
      refreshToken,
      refreshTokenExpiresAt: session.idleExpiresAt.toISOString(),
    };
  }

  /** A device that comes again keeps its name, so that its tries are counted on. */
  function deviceTokenFor({ body }: FastifyRequest, userId: string): string {
    const { deviceToken } = (body ?? {}) as { readonly deviceToken?: string };
    const known = deviceToken === undefined ? undefined : readDeviceToken(deps.keyring, userId, deviceToken);
    return mintDeviceToken(deps.keyring, userId, known);
  }

  /** Answers 201 with a new session. */
  async function signedIn(request: FastifyRequest, reply: FastifyReply, started: Started) {
    void reply.code(201).header('location', `/v1/sessions/${started.session._id.toHexString()}`);
    const deviceToken = deviceTokenFor(request, started.user._id.toHexString());
    return { ...(await issued(started)), deviceToken, user: userView(started.user) };
  }

  /**
   * Opens a session by what `prove` proves, or undefined when the account has changed meanwhile.
   * @throws {AppError} `mfa-required` with the challenge, when another factor is needed
   */
  async function signIn(request: FastifyRequest, reply: FastifyReply, prove: Prove) {
    const outcome = await transaction(async (tx) => {
      const proof = await prove(tx);
      if (!proof) return null;
      const origin = { ...request.origin, actor: { type: 'user', id: proof.user._id } } as const;
      if (needsSecondFactor(proof)) return challengeSecondFactor(tx, origin, proof, deps.keyring);
      return startSession(tx, origin, proof, options);
    });
    if (!outcome) return undefined;
    if ('challenge' in outcome) throw new AppError('mfa-required', { members: outcome });
    return signedIn(request, reply, outcome);
  }

  return { issued, signIn };
}
