import type { FastifyRequest } from 'fastify';
import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { mayGrant, permissionsOf } from '../lib/permissions.ts';
import { recordAuditEvent } from '../models/audit-event.ts';
import { toId } from '../models/ids.ts';
import type { Role } from '../models/user.ts';
import { changeRoles, findAnyUser, updateProfile } from '../models/user-account.ts';
import { profileChange } from '../models/user-fields.ts';
import { countUsers, listUsers, type UserFilter } from '../models/user-list.ts';
import { searchUsers } from '../models/user-search.ts';
import { assertRecent, permissionsOfCaller } from '../plugins/authentication.ts';
import { BODY_PROBLEMS, headers, IdParams, ifMatch, ref, signedInProblems } from '../schemas/common.ts';
import { AdminUser, AdminUserPage, AdminUserPatch, UserListQuery } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { adminUserView, cursorFor, linkToNext, preconditionOf, sendUser } from './representations.ts';

const user = (description: string) => ({ ...ref(AdminUser), description, headers: headers('ETag') });

/** Accounts, as admins and support see and change them. What is read of them is recorded before it is answered. */
export default async function adminUsers(app: App): Promise<void> {
  app.get(
    '/users',
    {
      schema: {
        operationId: 'listUsers',
        summary: 'List accounts',
        description: 'Deleted accounts are listed with `status=deleted` only. `q` is combined with `status` alone.',
        tags: ['Administration'],
        querystring: UserListQuery,
        response: {
          200: { ...ref(AdminUserPage), description: 'A page of accounts.', headers: headers('Link') },
          ...signedInProblems('forbidden', 'invalid-cursor', 'unsupported-sort'),
        },
      },
      config: { permission: 'users:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor, sort, q, total, createdAfter, createdBefore, ...exact } = request.query;
      const filter: UserFilter = {
        ...exact,
        ...(createdAfter !== undefined && { createdAfter: new Date(createdAfter) }),
        ...(createdBefore !== undefined && { createdBefore: new Date(createdBefore) }),
      };
      const cursors = cursorFor('users', { ...filter, sort, q });
      const after = cursors.read(cursor);
      if (q !== undefined) refuseBesideSearch({ ...filter, sort, total });
      const { users, next } =
        q === undefined
          ? await listUsers(filter, sort, limit, after)
          : await searchUsers(app.deps.keyring, { q, status: filter.status }, limit, after);
      const nextCursor = next && cursors.write(next);
      linkToNext(request, reply, nextCursor);
      const read = { action: 'users.listed', target: { collection: 'users' }, count: users.length } as const;
      await recordAuditEvent(undefined, request.origin, read);
      return {
        items: users.map((user) => adminUserView(app.deps.keyring, user)),
        nextCursor,
        ...(total && (await countUsers(filter, sort))),
      };
    },
  );

  app.get(
    '/users/:id',
    {
      schema: {
        operationId: 'getUser',
        summary: 'Read an account',
        tags: ['Administration'],
        params: IdParams,
        response: { 200: user('The account, also a deleted one.'), ...signedInProblems('forbidden', 'not-found') },
      },
      config: { permission: 'users:read' },
    },
    async (request, reply) => {
      const found = await findAnyUser(toId(request.params.id));
      const target = { collection: 'users', id: found._id };
      await recordAuditEvent(undefined, request.origin, { action: 'user.read', target });
      return sendUser(request, reply, found, adminUserView(app.deps.keyring, found));
    },
  );

  app.patch(
    '/users/:id',
    {
      schema: {
        operationId: 'updateUser',
        summary: 'Change an account',
        description: 'Changing `roles` needs `roles:write` and a recent sign-in.',
        tags: ['Administration'],
        params: IdParams,
        headers: ifMatch,
        body: ref(AdminUserPatch),
        response: {
          200: user('The account as it is now.'),
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'forbidden',
            'reauthentication-required',
            'not-found',
            'last-admin',
            'invalid-status',
            'precondition-failed',
          ),
        },
      },
      config: { permission: 'users:write' },
    },
    async (request, reply) => {
      const { roles, ...profile } = request.body;
      if (roles) checkGrant(request, roles);
      const change = profileChange(profile);
      if (change.problems.length > 0) throw new AppError('validation-failed', { errors: change.problems });
      const id = toId(request.params.id);
      const precondition = preconditionOf(request);
      const hasProfile = Object.keys(profile).length > 0;
      const changed = await transaction(async (tx) => {
        const updated = hasProfile
          ? await updateProfile(tx, request.origin, app.deps.names, id, change, precondition)
          : undefined;
        return roles
          ? changeRoles(tx, request.origin, id, roles, updated ? undefined : precondition)
          : (updated ?? findAnyUser(id));
      });
      return sendUser(request, reply, changed, adminUserView(app.deps.keyring, changed));
    },
  );
}

/** @throws {AppError} `forbidden` for a role that may do what the granter may not, `reauthentication-required` */
export function checkGrant(request: FastifyRequest, roles: readonly Role[]): void {
  const permissions = permissionsOfCaller(request);
  if (!permissions.has('roles:write') || !mayGrant(permissions, permissionsOf(roles))) throw new AppError('forbidden');
  assertRecent(request);
}

/** A search has an order of its own, and no index for other filters beside it. */
function refuseBesideSearch({ status: _, ...others }: Record<string, unknown>): void {
  const given = Object.keys(others).filter((name) => others[name] !== undefined);
  if (given.length > 0)
    throw new AppError('unsupported-sort', {
      detail: `A search by \`q\` goes with \`status\` only, not with ${given.join(', ')}.`,
    });
}
