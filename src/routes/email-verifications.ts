import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import type { AccountStamp } from '../models/account-stamp.ts';
import { rejectSignUp, requestVerification, verifyEmail } from '../models/email-verification.ts';
import { findToken } from '../models/one-time-token.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  idempotencyKey,
  NoContent,
  problems,
  ref,
} from '../schemas/common.ts';
import { Accepted, MailboxProof, MailedToken, MailRequest } from '../schemas/mailed.ts';
import { User } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { accepted, mailOptions, PROOF_LIMIT, proveAccount, requestLimit, wantedEmail } from './mailed.ts';
import { sendUser, userView } from './representations.ts';

/** Whether a mailbox belongs to whoever signed up with it. */
export default async function emailVerifications(app: App): Promise<void> {
  const { deps } = app;

  app.post(
    '/email-verifications',
    {
      schema: {
        operationId: 'requestEmailVerification',
        summary: 'Ask for another verification mail',
        description: 'Answers the same whoever has an account. An earlier link stops working.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(MailRequest),
        response: {
          202: { ...ref(Accepted), description: 'Mail is sent if there is an account to verify.' },
          ...problems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS),
        },
      },
      config: { limit: requestLimit('email-verification') },
    },
    async (request, reply) => {
      const email = wantedEmail(request.body.email);
      reply.afterwards(() => requestVerification(email, mailOptions(app)));
      return reply.code(202).send(accepted);
    },
  );

  app.post(
    '/email-verifications/confirm',
    {
      schema: {
        operationId: 'confirmEmailVerification',
        summary: 'Verify the email',
        description:
          'Needs a session of the account or its `password` besides the link: whoever is mailed a link has not asked for the account with that.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(MailboxProof),
        response: {
          200: { ...ref(User), description: 'The account, verified.', headers: headers('ETag') },
          ...problems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'invalid-code',
            'credentials-required',
            'invalid-credentials',
            'invalid-token',
          ),
        },
      },
      config: { limit: PROOF_LIMIT, optionalSession: true, fingerprintWithout: ['password'] },
    },
    async (request, reply) => {
      const { token, password } = request.body;
      const found = await findToken<AccountStamp>(deps.keyring, 'email-verification', token);
      await proveAccount(app, request, found, { password, action: 'user.email-verified' });
      const user = await transaction((tx) => verifyEmail(tx, request.origin, deps.keyring, token));
      if (!user) throw new AppError('invalid-code');
      return sendUser(request, reply, user, userView(deps.keyring, user));
    },
  );

  app.post(
    '/email-verifications/reject',
    {
      schema: {
        operationId: 'rejectSignUp',
        summary: 'Remove an account that somebody else signed up for',
        description:
          'For the other link of the verification mail. The account is gone for good and the email free again; once it is verified, it stays.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(MailedToken),
        response: {
          204: NoContent,
          ...problems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'invalid-code',
            'last-admin',
            'legal-hold',
            'still-referenced',
          ),
        },
      },
      config: { limit: PROOF_LIMIT },
    },
    async (request, reply) => {
      const { token } = request.body;
      const rejected = await transaction((tx) => rejectSignUp(tx, request.origin, deps.keyring, token));
      if (!rejected) throw new AppError('invalid-code');
      return reply.code(204).send(null);
    },
  );
}
