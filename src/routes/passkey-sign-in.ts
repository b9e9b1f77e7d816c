import { AppError } from '../errors.ts';
import { loadWebauthn } from '../lib/webauthn.ts';
import { provingPasskey } from '../models/factor-proof.ts';
import { assertionOptions } from '../models/passkey-ceremony.ts';
import { proofByPasskey } from '../models/sign-in.ts';
import { relyingPartyOf } from '../relying-party.ts';
import { BODY_PROBLEMS, headers, problems, ref } from '../schemas/common.ts';
import { PasskeySignIn, requestOptionsRef } from '../schemas/passkey.ts';
import { SignedIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { signInAnswers } from './sign-in-answer.ts';

const MINUTE_MS = 60_000;

/** Sign-in by a passkey alone: the device shows which ones it has, and the passkey tells whose it is. */
export default async function passkeySignIn(app: App): Promise<void> {
  await loadWebauthn();
  const { config, deps } = app;
  const { signIn } = signInAnswers(app);
  const ceremony = { keyring: deps.keyring, party: relyingPartyOf(config) };

  app.post(
    '/sessions/passkey/options',
    {
      schema: {
        operationId: 'passkeyOptions',
        summary: 'Begin to sign in by passkey',
        description:
          'Options for `navigator.credentials.get`. They take nothing and name nobody: the device knows its passkeys.',
        tags: ['Sessions'],
        response: {
          200: { ...requestOptionsRef, description: 'What the browser needs.' },
          ...problems('idempotency-not-supported'),
        },
      },
      config: { limit: { name: 'passkey-options', max: 60, windowMs: 5 * MINUTE_MS }, secretResponse: true },
    },
    () => assertionOptions({ purpose: 'sign-in' }, ceremony),
  );

  app.post(
    '/sessions/passkey',
    {
      schema: {
        operationId: 'signInByPasskey',
        summary: 'Sign in by passkey',
        description: 'A passkey is two factors, the device and what unlocks it: nothing else is asked for.',
        tags: ['Sessions'],
        body: ref(PasskeySignIn),
        response: {
          201: { ...ref(SignedIn), description: 'A new session.', headers: headers('Location', 'Set-Cookie') },
          ...problems(
            ...BODY_PROBLEMS,
            'idempotency-not-supported',
            'invalid-passkey',
            'foreign-origin',
            'email-not-verified',
          ),
        },
      },
      config: { limit: { name: 'sign-in', max: 60, windowMs: 5 * MINUTE_MS }, secretResponse: true },
    },
    async (request, reply) => {
      const { assertion } = request.body;
      const attempt = { occasion: { purpose: 'sign-in' }, assertion, action: 'session.created' } as const;
      const answer = await provingPasskey(attempt, request.origin, ceremony, (use) =>
        signIn(request, reply, async (tx) => proofByPasskey(tx, (await use(tx)).userId)),
      );
      if (!answer) throw new AppError('invalid-passkey');
      return answer;
    },
  );
}
