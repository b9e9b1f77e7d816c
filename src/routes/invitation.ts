import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { teamRole } from '../lib/access-rules.ts';
import { normaliseEmail } from '../lib/email.ts';
import { INVITATION_SECONDS, Invitation, type InvitationRecord } from '../models/invitation.ts';
import { mayMail } from '../models/mail-limit.ts';
import { acceptInvitation, assertOwner, mailInvitation } from '../models/team-members.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { BODY_PROBLEMS, IDEMPOTENCY_PROBLEMS, idempotencyKey, ref, signedInProblems } from '../schemas/common.ts';
import { Acceptance, invitation } from '../schemas/team.ts';
import type { App, Dependencies } from '../types/fastify.ts';
import { memberships, memberView } from './membership.ts';
import { resource } from './resource/resource.ts';

const ADMINS = ['owner', 'admin'];

/** The email as it is stored with accounts. @throws {AppError} `validation-failed` */
function emailOf(given: unknown): string {
  const email = normaliseEmail(String(given));
  if (email !== undefined) return email;
  const errors = [{ pointer: '/email', code: 'invalid-email', detail: 'must be an email address' }];
  throw new AppError('validation-failed', { errors });
}

/** Whoever has a team could have mail sent to anybody. @throws {AppError} `rate-limited` */
async function spareMailbox({ keyring }: Dependencies, email: string): Promise<void> {
  if (await mayMail(keyring, email, 'team-invitation')) return;
  throw new AppError('rate-limited', {
    detail: 'This address has been invited often enough today.',
    headers: { 'retry-after': '3600' },
  });
}

async function accept(app: App): Promise<void> {
  app.post(
    '/invitations/accept',
    {
      schema: {
        operationId: 'acceptInvitation',
        summary: 'Accept an invitation to a team',
        description: 'With the token of the mailed link, as the account whose email was invited. It works once.',
        tags: ['Invitations'],
        headers: idempotencyKey,
        body: ref(Acceptance),
        response: {
          200: memberView('The membership.'),
          ...signedInProblems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS, 'invalid-code', 'forbidden', 'value-taken'),
        },
      },
      config: { fingerprintWithout: [] },
    },
    async (request) => {
      const { origin } = request;
      const { userId } = sessionOf(request);
      const { keyring } = app.deps;
      return memberships.show(
        await transaction((tx) => acceptInvitation({ tx, origin }, keyring, request.body.token, userId)),
      );
    },
  );
}

export const invitations = resource<InvitationRecord>({
  model: Invitation,
  name: 'invitation',
  path: '/teams/:teamId/invitations',
  purpose: 'Who is asked to become a member of a team. The link that they are mailed works once.',
  schemas: invitation,
  access: {
    list: teamRole(ADMINS),
    read: teamRole(ADMINS),
    create: teamRole(ADMINS),
    delete: teamRole(ADMINS),
  },
  indexes: {
    idx_invitations_team_id_email: 'One invitation of an email to a team.',
    idx_invitations_email: 'What is left of an erased account.',
    idx_invitations_invited_by: 'Whom an account has invited.',
  },
  removal: 'hard',
  retention: 'Until it is accepted or taken back; at the latest by TTL on `expiresAt`, 7 days after it was made.',
  routes: {
    create: { config: { limit: { name: 'invitations', max: 50, windowMs: 3_600_000 } } },
  },
  steps: {
    fill: ({ email }, { userId }) => ({
      email: emailOf(email),
      invitedBy: userId,
      expiresAt: new Date(Date.now() + INVITATION_SECONDS * 1000),
    }),
    created: async ({ tx, origin, caller, deps, config, document }) => {
      if (document.role === 'owner') await assertOwner(tx, caller.userId, document.teamId);
      await spareMailbox(deps, document.email);
      await mailInvitation({ tx, origin }, { keyring: deps.keyring, appUrl: config.APP_URL }, document);
    },
  },
  named: [Acceptance],
  beside: { 'signed-in': accept },
});
