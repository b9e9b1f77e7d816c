import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { list } from '../config.ts';
import type { Transaction } from '../database.ts';
import { isDuplicateKey } from '../database-errors.ts';
import { AppError, type ErrorCode, type InputProblem } from '../errors.ts';
import { IdentityProviderError } from '../lib/identity/errors.ts';
import type { IdentityProvider, Proven } from '../lib/identity/provider.ts';
import { redirectTarget } from '../lib/redirect-target.ts';
import { type AuditAction, recordAuditEvent } from '../models/audit-event.ts';
import {
  type Authorization,
  hashOf,
  rememberArrival,
  rememberAuthorization,
  takeAuthorization,
} from '../models/identity-authorization.ts';
import { type IdentitySignInOptions, proveByIdentity } from '../models/identity-sign-in.ts';
import type { SessionTransport } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { mailOptions } from './mailed.ts';
import { type Prove, signInAnswers } from './sign-in-answer.ts';

/** A sign-in that was overtaken finds at its next try what overtook it. */
const TRIES = 3;

/** What the answer of a provider comes as, whatever way it takes. */
export type ProviderAnswer = Readonly<Record<string, string>> & { readonly state: string };

/** The steps of a sign-in at a provider, and of linking one, which is the same but for its end. */
export function identityFlow({ config, deps }: Pick<App, 'config' | 'deps'>) {
  const { keyring, identityProviders } = deps;
  const { signIn } = signInAnswers({ config, deps });
  const origins: ReadonlySet<string> = new Set([
    ...[config.PUBLIC_URL, config.APP_URL].map((url) => new URL(url).origin),
    ...list(config.CORS_ORIGINS),
  ]);
  const options: IdentitySignInOptions = {
    ...mailOptions({ config, deps }),
    names: deps.names,
    nameOf: (id) => identityProviders.get(id)?.name ?? id,
    verifiedOnly: config.HIDE_EXISTING_ACCOUNTS || config.REQUIRE_VERIFIED_EMAIL,
  };

  function providerOf(id: string): IdentityProvider {
    const provider = identityProviders.get(id);
    if (!provider) throw new AppError('not-found');
    return provider;
  }

  const callbackOf = ({ id }: IdentityProvider): string => `${config.PUBLIC_URL}/v1/identities/${id}/callback`;

  /** @throws {AppError} `validation-failed` for a place that is not a client's: this service is nobody's springboard */
  function targetOf(value: string, pointer: string): string {
    const target = redirectTarget(value, origins);
    if (target === undefined) throw invalid({ pointer, code: 'not-allowed', detail: NO_TARGET });
    return target;
  }

  /** Remembers what begins, and says where the browser goes. */
  async function begin(
    request: FastifyRequest,
    provider: IdentityProvider,
    started: Omit<Authorization, 'provider' | 'pending'>,
  ): Promise<string> {
    const { pending, urlWith } = await provider.begin(callbackOf(provider)).catch(asProblem(request, SIGN_IN));
    const begun = { ...started, provider: provider.id, pending };
    return urlWith(await rememberAuthorization(keyring, begun, request.session?.userId));
  }

  /** Signs in by what `redeem` yields. */
  async function signInBy(
    request: FastifyRequest,
    reply: FastifyReply,
    redeem: (tx: Transaction) => Promise<Proven | null>,
    transport?: SessionTransport,
  ) {
    for (let tries = 1; ; tries += 1) {
      let redeemed = false;
      try {
        const prove: Prove = async (tx) => {
          const proven = await redeem(tx);
          redeemed = proven !== null;
          return proven && proveByIdentity(tx, request.origin, proven, options);
        };
        const answer = await signIn(request, reply, prove, transport);
        if (answer) return answer;
        throw new AppError(redeemed ? 'invalid-credentials' : 'invalid-code');
      } catch (error) {
        if (tries < TRIES && wasOvertaken(error)) continue;
        await recordRefusal(request, SIGN_IN, error);
        throw error;
      }
    }
  }

  /** What a provider's answer leads to: a session or, for a client with a page of its own, a code that it exchanges. */
  async function arrive(request: FastifyRequest, reply: FastifyReply, id: string, answer: ProviderAnswer) {
    const provider = providerOf(id);
    const seen = { provider: id, browser: browserSecret(request, provider) };
    const begun = await takeAuthorization(keyring, answer.state, seen);
    if (!begun) {
      const refusal = new AppError('invalid-state');
      await recordRefusal(request, SIGN_IN, refusal);
      throw refusal;
    }
    const { pending, redirectTo, codeChallenge, session, userId } = begun;
    const act = session === undefined ? SIGN_IN : linkBy(userId);
    try {
      const proven = await provider.prove(callbackOf(provider), pending, answer).catch(asProblem(request, act));
      if (redirectTo === undefined) return await signInBy(request, reply, async () => proven, 'token');
      const kept = { proven, ...(codeChallenge && { codeChallenge }), ...(session && { session }) };
      const code = await rememberArrival(keyring, kept, userId);
      return reply.redirect(`${redirectTo}#code=${code}`, 303);
    } catch (error) {
      if (redirectTo === undefined || !(error instanceof AppError)) throw error;
      return reply.redirect(`${redirectTo}#error=${error.code}`, 303);
    }
  }

  return { options, providerOf, targetOf, begin, signInBy, arrive };
}

/** What a refusal is recorded as. */
interface Act {
  readonly action: AuditAction;
  readonly target: { readonly collection: 'users'; readonly id?: FoundUserId };
}
type FoundUserId = NonNullable<FastifyRequest['session']>['userId'];

const SIGN_IN: Act = { action: 'session.created', target: { collection: 'users' } };

const linkBy = (id: FoundUserId | undefined): Act => ({
  action: 'identity.linked',
  target: { collection: 'users', ...(id && { id }) },
});

/** Recorded where they are asked for. */
const RECORDED: ReadonlySet<ErrorCode> = new Set(['mfa-required', 'email-not-verified']);

/** One record of whoever was not let in. */
async function recordRefusal({ origin }: FastifyRequest, act: Act, error: unknown): Promise<void> {
  if (!(error instanceof AppError) || error.status >= 500 || RECORDED.has(error.code)) return;
  await recordAuditEvent(undefined, origin, { ...act, outcome: 'failure', reason: error.code });
}

/** Makes of a provider's failure what a client can act on; what an operator can act on is logged. */
const asProblem =
  (request: FastifyRequest, act: Act) =>
  async (error: unknown): Promise<never> => {
    if (!(error instanceof IdentityProviderError)) throw error;
    if (error.failure !== 'denied') request.log.warn({ err: error }, 'an identity provider was of no use');
    const problem = problemOf(error);
    await recordRefusal(request, act, problem);
    throw problem;
  };

function problemOf(cause: IdentityProviderError): AppError {
  if (cause.failure === 'denied') return new AppError('identity-denied', { cause });
  if (cause.failure === 'unproven') return new AppError('identity-unproven', { cause });
  return new AppError('provider-unavailable', { headers: { 'retry-after': '5' }, cause });
}

const wasOvertaken = (error: unknown): boolean => isDuplicateKey(error instanceof AppError ? error.cause : error);

const NO_TARGET = 'must be a page of the service, of APP_URL or of CORS_ORIGINS, without credentials and fragment';

export const invalid = (problem: InputProblem): AppError => new AppError('validation-failed', { errors: [problem] });

/**
 * Ties an answer to the browser that began: without it an attacker could have a victim finish the attacker's own
 * sign-in. Only for the time at the provider. A form that another site posts brings no cookie but one of
 * `SameSite=None`, so where no form is expected the stricter one is used.
 */
const cookieOf = ({ formPost }: IdentityProvider) =>
  formPost
    ? ({ name: '__Host-roster-identity-post', sameSite: 'none' } as const)
    : ({ name: '__Host-roster-identity', sameSite: 'lax' } as const);

const COOKIE_SECONDS = 600;

/** 256 bits in base64url. */
const SECRET = /^[\w-]{43}$/;

/** The secret that this browser was given when it began. */
function browserSecret({ headers, server }: FastifyRequest, provider: IdentityProvider): string | undefined {
  const { [cookieOf(provider).name]: value } = server.parseCookie(headers.cookie ?? '');
  return value !== undefined && SECRET.test(value) ? value : undefined;
}

/** Gives the browser its secret; the one that it has, so that two tabs may be under way at once. @returns its hash */
export function bindBrowser(request: FastifyRequest, reply: FastifyReply, provider: IdentityProvider): string {
  const secret = browserSecret(request, provider) ?? randomBytes(32).toString('base64url');
  const { name, sameSite } = cookieOf(provider);
  void reply.setCookie(name, secret, { path: '/', httpOnly: true, secure: true, sameSite, maxAge: COOKIE_SECONDS });
  return hashOf(secret);
}
