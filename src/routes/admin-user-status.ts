import { transaction } from '../database.ts';
import { toId } from '../models/ids.ts';
import { enqueueMail } from '../models/outbox.ts';
import { deleteUser, reactivateUser, restoreUser, suspendUser } from '../models/user-lifecycle.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  IdParams,
  idempotencyKey,
  ifMatch,
  NoContent,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import { AdminUser, StatusChange } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { letFollow } from './followers.ts';
import { adminUserView, preconditionOf, sendUser } from './representations.ts';

const STEPS = [
  {
    name: 'suspend',
    summary: 'Suspend an account',
    description: 'It signs in nowhere, and all its sessions end at once.',
    step: suspendUser,
    template: 'account-suspended',
  },
  {
    name: 'reactivate',
    summary: 'Reactivate an account',
    description: 'A suspended or inactive account may sign in again.',
    step: reactivateUser,
    template: 'account-reactivated',
  },
  {
    name: 'restore',
    summary: 'Restore a deleted account',
    description: 'Back to the status before the deletion; its sessions stay ended.',
    step: restoreUser,
    template: 'account-restored',
  },
] as const;

/** When, and no more: who acts for the service, and from where, is not for the owner. */
const noticeOfAdmin = () => ({ at: new Date().toISOString() });

/** The status machine of accounts, with reasons. The owner is told by mail, without the reason. */
export default async function adminUserStatus(app: App): Promise<void> {
  const { config, deps } = app;

  for (const { name, summary, description, step, template } of STEPS)
    app.post(
      `/users/:id/${name}`,
      {
        schema: {
          operationId: `${name}User`,
          summary,
          description,
          tags: ['Administration'],
          params: IdParams,
          headers: idempotencyKey,
          body: ref(StatusChange),
          response: {
            200: { ...ref(AdminUser), description: 'The account as it is now.', headers: headers('ETag') },
            ...signedInProblems(
              ...BODY_PROBLEMS,
              ...IDEMPOTENCY_PROBLEMS,
              'forbidden',
              'not-found',
              'invalid-status',
              'last-admin',
              'restore-period-over',
            ),
          },
        },
        config: { permission: 'users:write' },
      },
      async (request, reply) => {
        const act = { id: toId(request.params.id), reason: request.body.reason };
        const changed = await transaction(async (tx) => {
          const user = await step(tx, request.origin, act);
          await enqueueMail(tx, deps.keyring, { template, to: user.email, data: noticeOfAdmin() }, user._id);
          return user;
        });
        if (changed.settling) await letFollow(request, 'User', act.id);
        return sendUser(request, reply, changed, adminUserView(deps.keyring, changed));
      },
    );

  app.delete(
    '/users/:id',
    {
      schema: {
        operationId: 'deleteUser',
        summary: 'Delete an account',
        description: 'Hidden everywhere and signed out; it can be restored for a time, then it is gone for good.',
        tags: ['Administration'],
        params: IdParams,
        headers: ifMatch,
        response: {
          204: NoContent,
          ...signedInProblems(
            'forbidden',
            'not-found',
            'invalid-status',
            'last-admin',
            'last-owner',
            'legal-hold',
            'still-referenced',
            'precondition-failed',
          ),
        },
      },
      config: { permission: 'users:write' },
    },
    async (request, reply) => {
      const act = { id: toId(request.params.id), precondition: preconditionOf(request) };
      const days = config.DELETED_USER_RETENTION_DAYS;
      await transaction(async (tx) => {
        const { email } = await deleteUser(tx, request.origin, act, days);
        const mail = { template: 'account-deleted', to: email, data: { ...noticeOfAdmin(), days } } as const;
        await enqueueMail(tx, deps.keyring, mail, act.id);
      });
      await letFollow(request, 'User', act.id);
      return reply.code(204).send(null);
    },
  );
}
