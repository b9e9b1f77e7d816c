import { Type } from 'typebox';
import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { assertAcceptablePassword, ownerOf } from '../models/acceptable-password.ts';
import { noticeOf } from '../models/notice.ts';
import { enqueueMail } from '../models/outbox.ts';
import { changePassword, findUser, updateProfile } from '../models/user-account.ts';
import { profileChange } from '../models/user-fields.ts';
import { deactivateUser, deleteUser } from '../models/user-lifecycle.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { clearSessionCookies } from '../plugins/session-cookies.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  idempotencyKey,
  ifMatch,
  NoContent,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import { PasswordChange, User, UserPatch } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { letFollow } from './followers.ts';
import { proveOwnPassword } from './own-password.ts';
import { preconditionOf, sendUser, userView } from './representations.ts';

const user = (description: string) => ({ ...ref(User), description, headers: headers('ETag') });

/** The account was deleted while its own request ran, and the session with it: answered as one that comes later. */
export function accountEnded(error: unknown): never {
  const ended = error instanceof AppError && (error.code === 'not-found' || error.code === 'invalid-status');
  throw ended ? new AppError('invalid-token') : error;
}

/** The account itself: read, change, change of password. */
export default async function me(app: App): Promise<void> {
  const { config, deps } = app;

  app.get(
    '/users/me',
    {
      schema: {
        operationId: 'getMe',
        summary: 'Read the own account',
        tags: ['Account'],
        response: { 200: user('The account.'), ...signedInProblems() },
      },
    },
    async (request, reply) => {
      const found = await findUser(sessionOf(request).userId).catch(accountEnded);
      return sendUser(request, reply, found, userView(deps.keyring, found));
    },
  );

  app.patch(
    '/users/me',
    {
      schema: {
        operationId: 'updateMe',
        summary: 'Change the own profile',
        tags: ['Account'],
        headers: ifMatch,
        body: ref(UserPatch),
        response: {
          200: user('The account as it is now.'),
          ...signedInProblems(...BODY_PROBLEMS, 'precondition-failed'),
        },
      },
    },
    async (request, reply) => {
      const change = profileChange(request.body);
      if (change.problems.length > 0) throw new AppError('validation-failed', { errors: change.problems });
      const { userId } = sessionOf(request);
      const precondition = preconditionOf(request);
      const changed = await transaction((tx) =>
        updateProfile(tx, request.origin, deps.names, userId, change, precondition),
      ).catch(accountEnded);
      return sendUser(request, reply, changed, userView(deps.keyring, changed));
    },
  );

  app.put(
    '/users/me/password',
    {
      schema: {
        operationId: 'changePassword',
        summary: 'Change the own password',
        description: 'Ends every other session of the account.',
        tags: ['Account'],
        headers: ifMatch,
        body: ref(PasswordChange),
        response: {
          204: NoContent,
          ...signedInProblems(...BODY_PROBLEMS, 'password-unacceptable', 'wrong-password', 'precondition-failed'),
        },
      },
      config: { limit: { name: 'password-change', max: 20, windowMs: 3_600_000 } },
    },
    async (request, reply) => {
      const { currentPassword, newPassword } = request.body;
      const { userId, _id: keepSession } = sessionOf(request);
      const account = await findUser(userId).catch(accountEnded);
      const candidate = { password: newPassword, pointer: '/newPassword', owner: ownerOf(deps.keyring, account) };
      await assertAcceptablePassword(candidate, { config, log: request.log });
      const attempt = { email: account.email, password: currentPassword, action: 'user.password-changed' } as const;
      const { user: proven } = await proveOwnPassword(app, request, attempt);
      const change = { from: proven.passwordHash, to: await deps.passwords.hash(newPassword), keepSession };
      const notice = { template: 'password-changed', to: account.email, data: noticeOf(request.origin) } as const;
      await transaction(async (tx) => {
        await changePassword(tx, request.origin, userId, change, preconditionOf(request));
        await enqueueMail(tx, deps.keyring, notice, userId);
      });
      return reply.code(204).send(null);
    },
  );
}

/** What only a recent sign-in may do. */
export async function leave(app: App): Promise<void> {
  const { config, deps } = app;

  app.post(
    '/users/me/deactivate',
    {
      schema: {
        operationId: 'deactivateMe',
        summary: 'Deactivate the own account',
        description: 'Signs out everywhere. Nothing is lost, and signing in makes the account active again.',
        tags: ['Account'],
        headers: Type.Object({ ...ifMatch.properties, ...idempotencyKey.properties }),
        response: {
          204: { ...NoContent, headers: headers('Set-Cookie') },
          ...signedInProblems(...IDEMPOTENCY_PROBLEMS, 'reauthentication-required', 'precondition-failed'),
        },
      },
    },
    async (request, reply) => {
      const act = { id: sessionOf(request).userId, precondition: preconditionOf(request) };
      await transaction(async (tx) => {
        const { email } = await deactivateUser(tx, request.origin, act);
        const mail = { template: 'account-deactivated', to: email, data: noticeOf(request.origin) } as const;
        await enqueueMail(tx, deps.keyring, mail, act.id);
      }).catch(accountEnded);
      clearSessionCookies(request, reply);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/users/me',
    {
      schema: {
        operationId: 'deleteMe',
        summary: 'Delete the own account',
        description: 'Signs out everywhere. An admin can restore the account for a time, then it is gone for good.',
        tags: ['Account'],
        headers: ifMatch,
        response: {
          204: { ...NoContent, headers: headers('Set-Cookie') },
          ...signedInProblems(
            'reauthentication-required',
            'precondition-failed',
            'last-admin',
            'last-owner',
            'legal-hold',
            'still-referenced',
          ),
        },
      },
    },
    async (request, reply) => {
      const act = { id: sessionOf(request).userId, precondition: preconditionOf(request) };
      const days = config.DELETED_USER_RETENTION_DAYS;
      await transaction(async (tx) => {
        const { email } = await deleteUser(tx, request.origin, act, days);
        const data = { ...noticeOf(request.origin), days };
        await enqueueMail(tx, deps.keyring, { template: 'account-deleted', to: email, data }, act.id);
      }).catch(accountEnded);
      await letFollow(request, 'User', act.id);
      clearSessionCookies(request, reply);
      return reply.code(204).send(null);
    },
  );
}
