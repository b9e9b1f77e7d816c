import { transaction } from '../database.ts';
import { toId } from '../models/ids.ts';
import { findWebhook } from '../models/webhook.ts';
import { replayToWebhook, testWebhook } from '../models/webhook-change.ts';
import { listDeliveries } from '../models/webhook-delivery.ts';
import { headers, IDEMPOTENCY_PROBLEMS, IdParams, idempotencyKey, ref, signedInProblems } from '../schemas/common.ts';
import { DeliveryListQuery, DeliveryParams, WebhookDelivery, WebhookDeliveryPage } from '../schemas/webhook.ts';
import type { App } from '../types/fastify.ts';
import { cursorFor, linkToNext } from './representations.ts';
import { deliveryView } from './webhook-views.ts';

const onItsWay = { ...ref(WebhookDelivery), description: 'It is on its way; the list tells how it went.' };

/** What endpoints were told, and telling them again. */
export default async function webhookDeliveries(app: App): Promise<void> {
  const { keyring } = app.deps;

  app.get(
    '/webhooks/:id/deliveries',
    {
      schema: {
        operationId: 'listWebhookDeliveries',
        summary: 'List the deliveries to a webhook',
        description: 'Newest first, of the last 30 days, with how their tries went.',
        tags: ['Webhooks'],
        params: IdParams,
        querystring: DeliveryListQuery,
        response: {
          200: { ...ref(WebhookDeliveryPage), description: 'A page of deliveries.', headers: headers('Link') },
          ...signedInProblems('forbidden', 'not-found', 'invalid-cursor'),
        },
      },
      config: { permission: 'webhooks:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor, outcome } = request.query;
      const { id } = request.params;
      const cursors = cursorFor('webhook-deliveries', { id, outcome });
      const after = cursors.read(cursor)?.id;
      const { _id } = await findWebhook(toId(id));
      const page = await listDeliveries(_id, outcome, limit, after);
      const nextCursor = page.next && cursors.write({ key: '', id: page.next });
      linkToNext(request, reply, nextCursor);
      return { items: page.deliveries.map((each) => deliveryView(keyring, each)), nextCursor };
    },
  );

  app.post(
    '/webhooks/:id/test',
    {
      schema: {
        operationId: 'testWebhook',
        summary: 'Send a webhook a test',
        description: 'An event `webhook.test` is delivered like any other, whatever the webhook has chosen to hear of.',
        tags: ['Webhooks'],
        params: IdParams,
        headers: idempotencyKey,
        response: {
          202: onItsWay,
          ...signedInProblems(...IDEMPOTENCY_PROBLEMS, 'forbidden', 'not-found', 'webhook-disabled'),
        },
      },
      config: { permission: 'webhooks:write' },
    },
    async (request, reply) => {
      const id = toId(request.params.id);
      const delivery = await transaction((tx) => testWebhook(tx, request.origin, keyring, id));
      return reply.code(202).send(deliveryView(keyring, delivery));
    },
  );

  app.post(
    '/webhooks/:id/deliveries/:deliveryId/replay',
    {
      schema: {
        operationId: 'replayWebhookDelivery',
        summary: 'Deliver once more',
        description: 'The same event under the same `webhook-id`, whatever became of it before.',
        tags: ['Webhooks'],
        params: DeliveryParams,
        headers: idempotencyKey,
        response: {
          202: onItsWay,
          ...signedInProblems(...IDEMPOTENCY_PROBLEMS, 'forbidden', 'not-found', 'webhook-disabled'),
        },
      },
      config: { permission: 'webhooks:write' },
    },
    async (request, reply) => {
      const replay = { id: toId(request.params.id), deliveryId: toId(request.params.deliveryId) };
      const delivery = await transaction((tx) => replayToWebhook(tx, request.origin, replay));
      return reply.code(202).send(deliveryView(keyring, delivery));
    },
  );
}
