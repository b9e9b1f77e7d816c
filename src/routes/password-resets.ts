import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { assertAcceptablePassword, ownerOf } from '../models/acceptable-password.ts';
import { findByResetToken, requestPasswordReset, resetPassword } from '../models/password-reset.ts';
import { BODY_PROBLEMS, IDEMPOTENCY_PROBLEMS, idempotencyKey, NoContent, problems, ref } from '../schemas/common.ts';
import { Accepted, MailRequest, PasswordReset } from '../schemas/mailed.ts';
import type { App } from '../types/fastify.ts';
import { accepted, mailOptions, PROOF_LIMIT, requestLimit, wantedEmail } from './mailed.ts';

/** A new password for whoever has the mailbox. */
export default async function passwordResets(app: App): Promise<void> {
  const { config, deps } = app;

  app.post(
    '/password-resets',
    {
      schema: {
        operationId: 'requestPasswordReset',
        summary: 'Ask for a link to set a new password',
        description: 'Answers the same whoever has an account. An earlier link stops working.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(MailRequest),
        response: {
          202: { ...ref(Accepted), description: 'Mail is sent if there is an account.' },
          ...problems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS),
        },
      },
      config: { limit: requestLimit('password-reset') },
    },
    async (request, reply) => {
      const email = wantedEmail(request.body.email);
      const { origin } = request;
      reply.afterwards(() => requestPasswordReset(origin, email, mailOptions(app)));
      return reply.code(202).send(accepted);
    },
  );

  app.post(
    '/password-resets/confirm',
    {
      schema: {
        operationId: 'confirmPasswordReset',
        summary: 'Set a new password',
        description:
          'Ends all sessions and all that was mailed before; a second factor is still asked for at the next sign-in. It proves the mailbox: an account that was not verified loses the sessions, factors and identities that it had.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(PasswordReset),
        response: {
          204: NoContent,
          ...problems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS, 'invalid-code', 'password-unacceptable'),
        },
      },
      config: { limit: PROOF_LIMIT, fingerprintWithout: ['newPassword'], hashes: true },
    },
    async (request, reply) => {
      const { token, newPassword } = request.body;
      const owner = await findByResetToken(deps.keyring, token);
      if (!owner) throw new AppError('invalid-code');
      const candidate = { password: newPassword, pointer: '/newPassword', owner: ownerOf(deps.keyring, owner) };
      await assertAcceptablePassword(candidate, { config, log: request.log });
      const reset = { token, passwordHash: await deps.passwords.hash(newPassword) };
      const done = await transaction((tx) => resetPassword(tx, request.origin, deps.keyring, reset));
      if (!done) throw new AppError('invalid-code');
      return reply.code(204).send(null);
    },
  );
}
