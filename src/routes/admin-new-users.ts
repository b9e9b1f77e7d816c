import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { toId } from '../models/ids.ts';
import { LINK_SECONDS } from '../models/mailed-token.ts';
import { mailPasswordReset, resetPathOf } from '../models/password-reset.ts';
import { SIGN_IN_STATUSES } from '../models/user.ts';
import { createUser, findAnyUser } from '../models/user-account.ts';
import { emailField, profileChange } from '../models/user-fields.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  IdParams,
  idempotencyKey,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import { Accepted } from '../schemas/mailed.ts';
import { AdminUser, NewUser, ResetOrder } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { checkGrant } from './admin-users.ts';
import { accepted, assertMayMail, mailOptions } from './mailed.ts';
import { adminUserView, sendUser } from './representations.ts';

/** Accounts that an admin makes or helps to get into. The password is always its owner's to choose. */
export default async function adminNewUsers(app: App): Promise<void> {
  app.post(
    '/users',
    {
      schema: {
        operationId: 'createUser',
        summary: 'Create an account',
        description:
          'Without a password: its owner is mailed a link to choose one, which also proves the mailbox. `roles` needs `roles:write` and a recent sign-in.',
        tags: ['Administration'],
        headers: idempotencyKey,
        body: ref(NewUser),
        response: {
          201: { ...ref(AdminUser), description: 'The new account.', headers: headers('ETag', 'Location') },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'forbidden',
            'reauthentication-required',
            'email-taken',
          ),
        },
      },
      config: { permission: 'users:write' },
    },
    async (request, reply) => {
      const { email: given, roles, ...input } = request.body;
      if (roles) checkGrant(request, roles);
      const { email, problems: emailProblems } = emailField(given);
      const { set: profile, problems: profileProblems } = profileChange(input);
      const errors = [...emailProblems, ...profileProblems];
      if (errors.length > 0) throw new AppError('validation-failed', { errors });
      const path = 'choose-password';
      const mail = { ...mailOptions(app), path, seconds: LINK_SECONDS[path] } as const;
      const user = await transaction(async (tx) => {
        const created = await createUser(tx, request.origin, app.deps.names, {
          email,
          profile,
          ...(roles && { roles }),
        });
        await mailPasswordReset(tx, request.origin, created, mail);
        return created;
      });
      void reply.code(201).header('location', `/v1/admin/users/${user._id.toHexString()}`);
      return sendUser(request, reply, user, adminUserView(app.deps.keyring, user));
    },
  );

  app.post(
    '/users/:id/password-reset',
    {
      schema: {
        operationId: 'orderPasswordReset',
        summary: 'Mail an account a link to set its password',
        description: 'Nothing else changes: the password and all sessions stay until the link is followed.',
        tags: ['Administration'],
        params: IdParams,
        headers: idempotencyKey,
        body: ref(ResetOrder),
        response: {
          202: { ...ref(Accepted), description: 'The mail is on its way.' },
          ...signedInProblems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS, 'forbidden', 'not-found', 'invalid-status'),
        },
      },
      config: { permission: 'password-resets:write' },
      // There may be nothing to say. (`null` is something, and refused.)
      preValidation: (request, _reply, done) => {
        if (request.body === undefined) request.body = {};
        done();
      },
    },
    async (request, reply) => {
      const user = await findAnyUser(toId(request.params.id));
      if (!SIGN_IN_STATUSES.some((status) => status === user.status))
        throw new AppError('invalid-status', { detail: `The account is ${user.status}.` });
      const path = await resetPathOf(user._id);
      await assertMayMail(app, user.email, path);
      const { reason } = request.body;
      const mail = {
        ...mailOptions(app),
        path,
        seconds: LINK_SECONDS['choose-password'],
        ...(reason !== undefined && { reason }),
      };
      await transaction((tx) => mailPasswordReset(tx, request.origin, user, mail));
      return reply.code(202).send(accepted);
    },
  );
}
