import { transaction } from '../database.ts';
import type { WebhookEventType } from '../lib/webhooks/catalogue.ts';
import { toId } from '../models/ids.ts';
import { findWebhook, listWebhooks } from '../models/webhook.ts';
import { createWebhook, deleteWebhook, rotateWebhookSecret, updateWebhook } from '../models/webhook-change.ts';
import { assertRecent } from '../plugins/authentication.ts';
import { BODY_PROBLEMS, headers, IdParams, ifMatch, NoContent, ref, signedInProblems } from '../schemas/common.ts';
import {
  NewWebhook,
  OVERLAP_DEFAULT_SECONDS,
  SecretRotation,
  Webhook,
  WebhookListQuery,
  WebhookPage,
  WebhookPatch,
  WebhookSecret,
} from '../schemas/webhook.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext, preconditionOf, sendVersioned } from './representations.ts';
import { wantedTarget, webhookView } from './webhook-views.ts';

const webhook = (description: string) => ({ ...ref(Webhook), description, headers: headers('ETag') });

/** Endpoints of other services that hear of what happens here. */
export default async function webhooks(app: App): Promise<void> {
  const { deps, config } = app;
  const policy = { allowPrivate: config.WEBHOOK_ALLOW_PRIVATE_ADDRESSES };
  const cursors = cursorFor('webhooks');

  app.get(
    '/webhooks',
    {
      schema: {
        operationId: 'listWebhooks',
        summary: 'List the webhooks',
        description: 'Newest first.',
        tags: ['Webhooks'],
        querystring: WebhookListQuery,
        response: {
          200: { ...ref(WebhookPage), description: 'A page of webhooks.', headers: headers('Link') },
          ...signedInProblems('forbidden', 'invalid-cursor'),
        },
      },
      config: { permission: 'webhooks:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor } = request.query;
      const page = await listWebhooks(limit, cursors.read(cursor)?.id);
      const nextCursor = page.next && cursors.write({ key: '', id: page.next });
      linkToNext(request, reply, nextCursor);
      return { items: page.webhooks.map((each) => webhookView(each)), nextCursor };
    },
  );

  app.post(
    '/webhooks',
    {
      schema: {
        operationId: 'createWebhook',
        summary: 'Make a webhook',
        description:
          'It hears of what happens from five seconds later on. The secret is shown only here. Needs a sign-in within the last 10 minutes.',
        tags: ['Webhooks'],
        body: ref(NewWebhook),
        response: {
          201: {
            ...ref(WebhookSecret),
            description: 'The webhook with its secret.',
            headers: headers('ETag', 'Location'),
          },
          ...signedInProblems(...BODY_PROBLEMS, 'forbidden', 'reauthentication-required', 'idempotency-not-supported'),
        },
      },
      config: { permission: 'webhooks:write', recent: true, secretResponse: true },
    },
    async (request, reply) => {
      const { url: given, description, events = [], enabled = true } = request.body;
      const url = await wantedTarget(given, policy);
      const choice = { url, ...(description !== undefined && { description }), events: wanted(events), enabled };
      const made = await transaction((tx) => createWebhook(tx, request.origin, deps.keyring, choice));
      void reply.code(201).header('location', `/v1/admin/webhooks/${made.webhook._id.toHexString()}`);
      return sendVersioned(request, reply, made.webhook, { webhook: webhookView(made.webhook), secret: made.secret });
    },
  );

  app.get(
    '/webhooks/:id',
    {
      schema: {
        operationId: 'getWebhook',
        summary: 'Read a webhook',
        tags: ['Webhooks'],
        params: IdParams,
        response: { 200: webhook('The webhook.'), ...signedInProblems('forbidden', 'not-found') },
      },
      config: { permission: 'webhooks:read' },
    },
    async (request, reply) => {
      const found = await findWebhook(toId(request.params.id));
      return sendVersioned(request, reply, found, webhookView(found));
    },
  );

  app.patch(
    '/webhooks/:id',
    {
      schema: {
        operationId: 'updateWebhook',
        summary: 'Change a webhook',
        description:
          'While it is disabled nothing new is kept for it. What was waiting stays for 30 days, and is sent when it is enabled again. Another `url` needs a sign-in within the last 10 minutes.',
        tags: ['Webhooks'],
        params: IdParams,
        headers: ifMatch,
        body: ref(WebhookPatch),
        response: {
          200: webhook('The webhook as it is now.'),
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'forbidden',
            'reauthentication-required',
            'not-found',
            'precondition-failed',
          ),
        },
      },
      config: { permission: 'webhooks:write' },
    },
    async (request, reply) => {
      const { url: given, events, ...others } = request.body;
      if (given !== undefined) assertRecent(request);
      const choice = {
        ...others,
        ...(given !== undefined && { url: await wantedTarget(given, policy) }),
        ...(events && { events: wanted(events) }),
      };
      const [id, precondition] = [toId(request.params.id), preconditionOf(request)];
      const changed = await transaction((tx) => updateWebhook(tx, request.origin, id, choice, precondition));
      return sendVersioned(request, reply, changed, webhookView(changed));
    },
  );

  app.delete(
    '/webhooks/:id',
    {
      schema: {
        operationId: 'deleteWebhook',
        summary: 'Remove a webhook',
        description: 'What waits for it is not sent any more.',
        tags: ['Webhooks'],
        params: IdParams,
        headers: ifMatch,
        response: { 204: NoContent, ...signedInProblems('forbidden', 'not-found', 'precondition-failed') },
      },
      config: { permission: 'webhooks:write' },
    },
    async (request, reply) => {
      const [id, precondition] = [toId(request.params.id), preconditionOf(request)];
      await transaction((tx) => deleteWebhook(tx, request.origin, id, precondition));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/webhooks/:id/rotate-secret',
    {
      schema: {
        operationId: 'rotateWebhookSecret',
        summary: 'Give a webhook a new secret',
        description:
          'For a time each delivery is signed by both, so that the receiver can change over. The new one is shown only here. Needs a sign-in within the last 10 minutes.',
        tags: ['Webhooks'],
        params: IdParams,
        body: ref(SecretRotation),
        response: {
          200: { ...ref(WebhookSecret), description: 'The webhook with its new secret.', headers: headers('ETag') },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'forbidden',
            'reauthentication-required',
            'idempotency-not-supported',
            'not-found',
          ),
        },
      },
      config: { permission: 'webhooks:write', recent: true, secretResponse: true },
    },
    async (request, reply) => {
      const { overlapSeconds = OVERLAP_DEFAULT_SECONDS } = request.body;
      const rotation = { id: toId(request.params.id), overlapMs: overlapSeconds * 1000 };
      const rotated = await transaction((tx) => rotateWebhookSecret(tx, request.origin, deps.keyring, rotation));
      const view = { webhook: webhookView(rotated.webhook), secret: rotated.secret };
      return sendVersioned(request, reply, rotated.webhook, view);
    },
  );
}

/** The type provider knows an enum of many values as text. */
const wanted = (events: readonly string[]) => events as readonly WebhookEventType[];
