import type { FastifyRequest } from 'fastify';
import { type Transaction, transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { hasSecondFactor } from '../models/factor.ts';
import { provingCode, provingPasskey, type UseFactor } from '../models/factor-proof.ts';
import { assertionOptions } from '../models/passkey-ceremony.ts';
import { reauthenticate } from '../models/reauthentication.ts';
import { METHODS_OF } from '../models/second-factor-change.ts';
import type { SessionRecord } from '../models/session.ts';
import { findUser } from '../models/user-account.ts';
import { recentUntil, sessionOf } from '../plugins/authentication.ts';
import { relyingPartyOf } from '../relying-party.ts';
import { BODY_PROBLEMS, ref, signedInProblems } from '../schemas/common.ts';
import { Reauthenticated, Reauthentication } from '../schemas/factor.ts';
import { requestOptionsRef } from '../schemas/passkey.ts';
import type { App } from '../types/fastify.ts';
import { type FactorInput, factorInput, refuseBeside } from './factor-input.ts';
import { proveOwnPassword } from './own-password.ts';
import { sessionView } from './representations.ts';

/** Proving anew who one is, for what a session alone must not do. */
export default async function reauthentication(app: App): Promise<void> {
  const { config, deps } = app;
  const ceremony = { keyring: deps.keyring, party: relyingPartyOf(config) };

  /** @throws {AppError} `second-factor-required`: the password may have been stolen together with the session */
  async function byPassword(request: FastifyRequest, password: string): Promise<SessionRecord> {
    const session = sessionOf(request);
    const account = await findUser(session.userId);
    if (hasSecondFactor(account))
      throw new AppError('second-factor-required', { detail: 'Prove the second factor of the account instead.' });
    const attempt = { email: account.email, password, action: 'session.reauthenticated' } as const;
    const { user } = await proveOwnPassword(app, request, attempt);
    // A factor that was added meanwhile is asked for, too.
    const guard = { passwordHash: user.passwordHash, 'secondFactors.0': { $exists: false } };
    return transaction((tx) => reauthenticate(tx, request.origin, session, ['pwd'], guard));
  }

  async function byFactor(request: FastifyRequest, input: FactorInput): Promise<SessionRecord> {
    const session = sessionOf(request);
    const { userId, _id: sessionId } = session;
    const methods = METHODS_OF['assertion' in input ? 'passkey' : 'totp'];
    const work = (use: UseFactor<unknown>) =>
      transaction(async (tx: Transaction) => {
        await use(tx);
        return reauthenticate(tx, request.origin, session, methods);
      });
    if (!('assertion' in input)) {
      // As with passwords: whoever uses up the tries of the account keeps nobody from proving who they are.
      const device = Buffer.from(sessionId.id);
      return provingCode({ ...input, userId, device }, request.origin, deps, work);
    }
    const occasion = { purpose: 'reauthentication', userId, sessionId } as const;
    const attempt = { occasion, assertion: input.assertion, action: 'session.reauthenticated' } as const;
    return provingPasskey(attempt, request.origin, ceremony, work);
  }

  app.post(
    '/reauthentication',
    {
      schema: {
        operationId: 'reauthenticate',
        summary: 'Prove again who you are',
        description:
          'By the password, or by a second factor of the account: whoever has one is asked for it, since a password may have been stolen together with the session. For 10 minutes sensitive changes are possible in this session.',
        tags: ['Factors'],
        body: ref(Reauthentication),
        response: {
          200: { ...ref(Reauthenticated), description: 'Done.' },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'idempotency-not-supported',
            'wrong-password',
            'second-factor-required',
            'invalid-code',
            'invalid-passkey',
          ),
        },
      },
      // A kept answer would say that somebody has proven who they are who has not.
      config: { limit: { name: 'reauthentication', max: 30, windowMs: 5 * 60_000 }, secretResponse: true },
    },
    async (request) => {
      const { password, ...factor } = request.body;
      if (password !== undefined) refuseBeside(factor);
      const session =
        password === undefined ? await byFactor(request, factorInput(factor)) : await byPassword(request, password);
      return {
        session: sessionView(app.deps.keyring, session, session),
        recentUntil: recentUntil(session).toISOString(),
      };
    },
  );

  app.post(
    '/reauthentication/options',
    {
      schema: {
        operationId: 'reauthenticationOptions',
        summary: 'Begin to prove it by passkey',
        description: 'Options for `navigator.credentials.get`, good for 5 minutes and this session.',
        tags: ['Factors'],
        response: {
          200: { ...requestOptionsRef, description: 'What the browser needs.' },
          ...signedInProblems('idempotency-not-supported'),
        },
      },
      config: { secretResponse: true },
    },
    (request) => {
      const { userId, _id: sessionId } = sessionOf(request);
      return assertionOptions({ purpose: 'reauthentication', userId, sessionId }, ceremony);
    },
  );
}
