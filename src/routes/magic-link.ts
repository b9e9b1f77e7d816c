import { AppError, type InputProblem } from '../errors.ts';
import {
  checkMagicLink,
  type MagicLinkAnswer as Given,
  proveByMagicLink,
  requestMagicLink,
} from '../models/magic-link.ts';
import { newToken } from '../models/one-time-token.ts';
import { BODY_PROBLEMS, headers, problems, ref } from '../schemas/common.ts';
import { MagicLinkAnswer, MagicLinkChallenge, MailRequest } from '../schemas/mailed.ts';
import { SignedIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { mailOptions, PROOF_LIMIT, requestLimit, wantedEmail } from './mailed.ts';
import { signInAnswers } from './sign-in-answer.ts';

/** Sign-in by a mailed link or code. */
export default async function magicLink(app: App): Promise<void> {
  const { keyring } = app.deps;
  const { signIn } = signInAnswers(app);

  app.post(
    '/sessions/magic-link',
    {
      schema: {
        operationId: 'requestMagicLink',
        summary: 'Ask for a link and a code to sign in with',
        description:
          'Answers the same whoever has an account. A newer mail overtakes the one before; link and code work once between them.',
        tags: ['Sessions'],
        body: ref(MailRequest),
        response: {
          202: { ...ref(MagicLinkChallenge), description: 'Mail is sent if there is an account.' },
          ...problems(...BODY_PROBLEMS, 'idempotency-not-supported'),
        },
      },
      config: { limit: requestLimit('magic-link'), secretResponse: true },
    },
    async (request, reply) => {
      const email = wantedEmail(request.body.email);
      const { origin } = request;
      const challenge = newToken();
      reply.afterwards(() => requestMagicLink(origin, email, challenge, mailOptions(app)));
      return reply.code(202).send({ challenge });
    },
  );

  app.post(
    '/sessions/magic-link/confirm',
    {
      schema: {
        operationId: 'confirmMagicLink',
        summary: 'Sign in by a mailed link or code',
        description:
          'Five codes may be tried for one mail. A second factor is asked for as after a password. It proves the mailbox: an account that was not verified loses the password, sessions, factors and identities that it had.',
        tags: ['Sessions'],
        body: ref(MagicLinkAnswer),
        response: {
          201: { ...ref(SignedIn), description: 'A new session.', headers: headers('Location', 'Set-Cookie') },
          ...problems(...BODY_PROBLEMS, 'idempotency-not-supported', 'invalid-code', 'mfa-required', 'foreign-origin'),
        },
      },
      config: { limit: PROOF_LIMIT, secretResponse: true },
    },
    async (request, reply) => {
      const { origin } = request;
      const challenge = await checkMagicLink(origin, keyring, givenIn(request.body));
      const answer =
        challenge !== null && (await signIn(request, reply, (tx) => proveByMagicLink(tx, origin, keyring, challenge)));
      if (!answer) throw new AppError('invalid-code');
      return answer;
    },
  );
}

interface Body {
  readonly token?: string;
  readonly challenge?: string;
  readonly code?: string;
}

/** @throws {AppError} `validation-failed` unless it is the one or the other */
function givenIn({ token, challenge, code }: Body): Given {
  if (token !== undefined && challenge === undefined && code === undefined) return { token };
  if (token === undefined && challenge !== undefined && code !== undefined) return { challenge, code };
  const detail = 'give either `token`, or `challenge` and `code`';
  const errors: InputProblem[] = [{ pointer: '', code: 'not-allowed', detail }];
  throw new AppError('validation-failed', { errors });
}
