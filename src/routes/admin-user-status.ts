import { transaction } from '../database.ts';
import { toId } from '../models/ids.ts';
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
import { adminUserView, preconditionOf, sendUser } from './representations.ts';

const STEPS = [
  ['suspend', 'Suspend an account', 'It signs in nowhere, and all its sessions end at once.', suspendUser],
  ['reactivate', 'Reactivate an account', 'A suspended or inactive account may sign in again.', reactivateUser],
  [
    'restore',
    'Restore a deleted account',
    'Back to the status before the deletion; its sessions stay ended.',
    restoreUser,
  ],
] as const;

/** The status machine of accounts, with reasons. */
export default async function adminUserStatus(app: App): Promise<void> {
  for (const [name, summary, description, step] of STEPS)
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
        const changed = await transaction((tx) => step(tx, request.origin, act));
        return sendUser(request, reply, changed, adminUserView(changed));
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
            'legal-hold',
            'precondition-failed',
          ),
        },
      },
      config: { permission: 'users:write' },
    },
    async (request, reply) => {
      const act = { id: toId(request.params.id), precondition: preconditionOf(request) };
      await transaction((tx) => deleteUser(tx, request.origin, act, app.config.DELETED_USER_RETENTION_DAYS));
      return reply.code(204).send(null);
    },
  );
}
