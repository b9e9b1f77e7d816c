import { AppError } from '../errors.ts';
import { readDeviceToken } from '../lib/device-token.ts';
import { provingCode, provingPasskey, type UseFactor } from '../models/factor-proof.ts';
import { assertionOptions } from '../models/passkey-ceremony.ts';
import { completeChallenge, findChallenge, tryChallenge } from '../models/second-factor.ts';
import type { Proof } from '../models/sign-in.ts';
import { relyingPartyOf } from '../relying-party.ts';
import { BODY_PROBLEMS, headers, problems, ref } from '../schemas/common.ts';
import { SecondStep, SecondStepPasskey } from '../schemas/factor.ts';
import { requestOptionsRef } from '../schemas/passkey.ts';
import { SignedIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { factorInput } from './factor-input.ts';
import { signInAnswers } from './sign-in-answer.ts';

const MINUTE_MS = 60_000;

/** The second step of a sign-in: all that the first factor alone opens. */
export default async function secondFactor(app: App): Promise<void> {
  const { config, deps } = app;
  const { signIn } = signInAnswers(app);
  const ceremony = { keyring: deps.keyring, party: relyingPartyOf(config) };

  app.post(
    '/sessions/mfa',
    {
      schema: {
        operationId: 'signInSecondStep',
        summary: 'Sign in: the second factor',
        description:
          'Answers `mfa-required`. A challenge has 5 tries, and 10 wrong codes of a person in an hour are answered 429, whatever the challenge.',
        tags: ['Sessions'],
        body: ref(SecondStep),
        response: {
          201: { ...ref(SignedIn), description: 'A new session.', headers: headers('Location', 'Set-Cookie') },
          ...problems(
            ...BODY_PROBLEMS,
            'idempotency-not-supported',
            'invalid-token',
            'invalid-code',
            'invalid-passkey',
            'foreign-origin',
            'email-not-verified',
          ),
        },
      },
      config: { limit: { name: 'second-factor', max: 60, windowMs: 5 * MINUTE_MS }, secretResponse: true },
    },
    async (request, reply) => {
      const { challenge, deviceToken } = request.body;
      const input = factorInput(request.body);
      const userId = await tryChallenge(deps.keyring, challenge);
      /** The challenge goes with the factor, in the transaction that opens the session. */
      const complete = async (use: UseFactor<unknown>) => {
        const answer = await signIn(request, reply, async (tx): Promise<Proof | null> => {
          const kind = 'assertion' in input ? 'passkey' : 'totp';
          const proof = await completeChallenge(tx, deps.keyring, challenge, kind);
          if (proof) await use(tx);
          return proof;
        });
        if (!answer) throw new AppError('invalid-token');
        return answer;
      };
      if (!('assertion' in input)) {
        const known = (token: string) => readDeviceToken(deps.keyring, userId.toHexString(), token);
        const device = deviceToken === undefined ? undefined : known(deviceToken);
        return provingCode({ ...input, userId, device }, request.origin, deps, complete);
      }
      const occasion = { purpose: 'second-factor', userId } as const;
      const attempt = { occasion, assertion: input.assertion, action: 'factor.used' } as const;
      return provingPasskey(attempt, request.origin, ceremony, complete);
    },
  );

  app.post(
    '/sessions/mfa/passkey-options',
    {
      schema: {
        operationId: 'secondStepPasskeyOptions',
        summary: 'Sign in: options for a passkey as second factor',
        description: 'Options for `navigator.credentials.get` with a passkey of the account.',
        tags: ['Sessions'],
        body: ref(SecondStepPasskey),
        response: {
          200: { ...requestOptionsRef, description: 'What the browser needs.' },
          ...problems(...BODY_PROBLEMS, 'idempotency-not-supported', 'invalid-token'),
        },
      },
      config: { limit: { name: 'second-factor', max: 60, windowMs: 5 * MINUTE_MS }, secretResponse: true },
    },
    async (request) => {
      const userId = await findChallenge(deps.keyring, request.body.challenge);
      return assertionOptions({ purpose: 'second-factor', userId }, ceremony);
    },
  );
}
