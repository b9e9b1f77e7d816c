import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { changeEmail, type PendingEmail, requestEmailChange, whoHasEmail } from '../models/email-change.ts';
import { findToken } from '../models/one-time-token.ts';
import { findUser } from '../models/user-account.ts';
import { sessionOf } from '../plugins/authentication.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  idempotencyKey,
  ifMatch,
  problems,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import { Accepted, MailboxProof, MailRequest } from '../schemas/mailed.ts';
import { User } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import {
  accepted,
  assertMayMail,
  mailOptions,
  PROOF_LIMIT,
  proveAccount,
  requestLimit,
  wantedEmail,
} from './mailed.ts';
import { accountEnded } from './me.ts';
import { preconditionOf, sendUser, userView } from './representations.ts';

/** The first step, for a recent sign-in. */
export async function myEmail(app: App): Promise<void> {
  const { config } = app;

  app.put(
    '/users/me/email',
    {
      schema: {
        operationId: 'requestEmailChange',
        summary: 'Change the own email',
        description:
          'Mails a link to the new mailbox and a notice to the old one. The email changes when the link is followed, and not before.',
        tags: ['Account'],
        headers: ifMatch,
        body: ref(MailRequest),
        response: {
          202: { ...ref(Accepted), description: 'The link is on its way to the new mailbox.' },
          ...signedInProblems(...BODY_PROBLEMS, 'reauthentication-required', 'email-taken', 'precondition-failed'),
        },
      },
      config: { limit: requestLimit('email-change') },
    },
    async (request, reply) => {
      const newEmail = wantedEmail(request.body.email);
      const { userId, _id: sessionId } = sessionOf(request);
      const user = await findUser(userId).catch(accountEnded);
      if (newEmail === user.email) throw unchanged();
      const takenBy = await whoHasEmail(newEmail);
      if (takenBy && !config.HIDE_EXISTING_ACCOUNTS) throw new AppError('email-taken');
      await assertMayMail(app, newEmail, 'confirm-new-email');
      const wanted = { newEmail, sessionId, takenBy, precondition: preconditionOf(request) };
      await transaction((tx) => requestEmailChange(tx, request.origin, user, wanted, mailOptions(app))).catch(
        accountEnded,
      );
      return reply.code(202).send(accepted);
    },
  );
}

/** The second step, for whoever has the new mailbox and the account. */
export default async function emailChanges(app: App): Promise<void> {
  const { deps } = app;

  app.post(
    '/email-changes/confirm',
    {
      schema: {
        operationId: 'confirmEmailChange',
        summary: 'Change the email to the one that was mailed',
        description:
          'Needs a session of the account or its `password` besides the link, so that nobody makes a stranger’s account their own by following a link that they never asked for. Ends all that was mailed before, and every session but the one that asked for the change.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(MailboxProof),
        response: {
          200: { ...ref(User), description: 'The account with its new email, verified.', headers: headers('ETag') },
          ...problems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'invalid-code',
            'credentials-required',
            'invalid-credentials',
            'invalid-token',
            'email-taken',
          ),
        },
      },
      config: { limit: PROOF_LIMIT, optionalSession: true, fingerprintWithout: ['password'] },
    },
    async (request, reply) => {
      const { token, password } = request.body;
      const found = await findToken<PendingEmail>(deps.keyring, 'email-change', token);
      await proveAccount(app, request, found, { password, action: 'user.email-changed' });
      const user = await transaction((tx) => changeEmail(tx, request.origin, deps.keyring, token));
      if (!user) throw new AppError('invalid-code');
      return sendUser(request, reply, user, userView(deps.keyring, user));
    },
  );
}

const unchanged = (): AppError =>
  new AppError('validation-failed', {
    errors: [{ pointer: '/email', code: 'unchanged', detail: 'is the email of this account already' }],
  });
