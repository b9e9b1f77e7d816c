import { transaction } from '../database.ts';
import { toId } from '../models/ids.ts';
import { eraseUser, holdUser, releaseUser } from '../models/user-lifecycle.ts';
import { purgeUser } from '../models/user-purge.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  IdParams,
  idempotencyKey,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import { AdminUser, Erasure, StatusChange } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { adminUserView, sendUser } from './representations.ts';

/** What an erasure does not reach at once, each with the time after which it is gone. */
const REMAINS = [
  'First responses to requests with an Idempotency-Key, encrypted: 24 hours.',
  'Counters of limits, under keyed hashes: as long as their windows, at most 1 hour.',
  'Segments of the journal beside the backups, encrypted with BACKUP_KEYS: until they are rotated out, at most 15 days with daily backups.',
  'Backups that were made before: as long as they are kept; the ledger removes the account from whatever is restored.',
];

const HOLDS = [
  {
    name: 'hold',
    summary: 'Put an account under legal hold',
    description: 'It can neither be deleted nor purged nor erased until it is released. It goes on working.',
    act: holdUser,
  },
  {
    name: 'release',
    summary: 'Release an account from legal hold',
    description: 'What was due meanwhile is done by the next run of the job `retention`.',
    act: releaseUser,
  },
] as const;

/** The end of an account that nothing undoes, and what keeps it from that. */
export default async function adminErasure(app: App): Promise<void> {
  app.post(
    '/users/:id/erase',
    {
      schema: {
        operationId: 'eraseUser',
        summary: 'Erase an account',
        description:
          'At once and for good, with all that belongs to it (GDPR, article 17). Nothing restores it. The audit trail keeps its id without personal values.',
        tags: ['Administration'],
        params: IdParams,
        headers: idempotencyKey,
        body: ref(StatusChange),
        response: {
          200: { ...ref(Erasure), description: 'The receipt.' },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'forbidden',
            'reauthentication-required',
            'not-found',
            'last-admin',
            'last-owner',
            'legal-hold',
            'still-referenced',
          ),
        },
      },
      config: { permission: 'users:erase', recent: true },
    },
    async (request) => {
      const id = toId(request.params.id);
      const { purgeAt } = await transaction((tx) => eraseUser(tx, request.origin, { id, reason: request.body.reason }));
      const purged = await purgeUser(app.deps.keyring, request.origin, id);
      return {
        id: request.params.id,
        erasedAt: (purgeAt ?? new Date()).toISOString(),
        remains: REMAINS,
        // The schedule may have been quicker, or somebody has put a hold on it in between.
        ...(purged
          ? {
              status: 'purged' as const,
              ledgerEntry: purged.ledgerEntry,
              removed: { ...purged.removed },
              detached: { ...purged.detached },
              auditEvents: purged.auditEvents,
            }
          : { status: 'under-way' as const }),
      };
    },
  );

  for (const { name, act, ...words } of HOLDS)
    app.post(
      `/users/:id/${name}`,
      {
        schema: {
          operationId: `${name}User`,
          ...words,
          tags: ['Administration'],
          params: IdParams,
          headers: idempotencyKey,
          body: ref(StatusChange),
          response: {
            200: { ...ref(AdminUser), description: 'The account as it is now.', headers: headers('ETag') },
            ...signedInProblems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS, 'forbidden', 'not-found', 'invalid-status'),
          },
        },
        config: { permission: 'users:erase' },
      },
      async (request, reply) => {
        const { id } = request.params;
        const changed = await transaction((tx) =>
          act(tx, request.origin, { id: toId(id), reason: request.body.reason }),
        );
        return sendUser(request, reply, changed, adminUserView(app.deps.keyring, changed));
      },
    );
}
