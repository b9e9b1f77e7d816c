import { Type } from 'typebox';
import { SENT_EVENT_TYPES, WEBHOOK_EVENT_TYPES } from '../lib/webhooks/catalogue.ts';
import { WEBHOOK_DISABLED_REASONS, WEBHOOK_LIMITS } from '../models/webhook.ts';
import { DELIVERY_OUTCOMES } from '../models/webhook-delivery.ts';
import { closed, Id, named, Page, pageQuery, ref, Timestamp } from './common.ts';

const at = (description: string) => Type.String({ format: 'date-time', description });

const Url = Type.String({
  minLength: 1,
  maxLength: WEBHOOK_LIMITS.url,
  description: 'An absolute https URL that leads to the open internet.',
});
const Description = Type.String({ minLength: 1, maxLength: WEBHOOK_LIMITS.description, description: 'For people.' });
const Events = Type.Array(Type.Enum([...WEBHOOK_EVENT_TYPES]), {
  maxItems: WEBHOOK_EVENT_TYPES.length,
  uniqueItems: true,
  description: 'What it hears of. Empty: everything, what is yet to be invented too.',
});

const endpoint = {
  id: Id,
  url: Type.String(),
  description: Type.Optional(Type.String()),
  events: Events,
  enabled: Type.Boolean({ description: 'Whether it is told anything.' }),
  disabledReason: Type.Optional(
    Type.Enum([...WEBHOOK_DISABLED_REASONS], {
      description: 'Why the service itself disabled it: nothing got through for days, or it answered 410.',
    }),
  ),
  failingSince: Type.Optional(at('Since when every try has failed.')),
  previousSecretUntil: Type.Optional(at('Until when the secret before the present one signs as well.')),
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

const example = {
  id: '665f1c2e9b1e8a0012345678',
  url: 'https://crm.example.com/hooks/roster',
  description: 'Customer relations',
  events: ['user.created', 'user.deleted'],
  enabled: true,
  createdAt: '2026-11-23T10:15:00.000Z',
  updatedAt: '2026-11-23T10:15:00.000Z',
};

export const Webhook = named('Webhook', endpoint, {
  description: 'An endpoint of another service that hears of what happens here.',
  examples: [example],
});

export const WebhookPage = named('WebhookPage', Page(ref(Webhook), 'webhooks').properties);

export const WebhookListQuery = closed(pageQuery);

export const WebhookSecret = named(
  'WebhookSecret',
  {
    webhook: ref(Webhook),
    secret: Type.String({
      description: 'By which the receiver verifies signatures; shown only here.',
      examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='],
    }),
  },
  { description: 'An endpoint with its new secret.' },
);

export const NewWebhook = named(
  'NewWebhook',
  {
    url: Url,
    description: Type.Optional(Description),
    events: Type.Optional(Events),
    enabled: Type.Optional(Type.Boolean({ default: true })),
  },
  { examples: [{ url: example.url, description: example.description, events: example.events, enabled: true }] },
);

export const WebhookPatch = named(
  'WebhookPatch',
  {
    url: Type.Optional(Url),
    description: Type.Optional(Type.Union([Description, Type.Null()], { description: '`null` removes it.' })),
    events: Type.Optional(Events),
    enabled: Type.Optional(
      Type.Boolean({ description: '`true` also forgives what failed before; what was waiting is sent.' }),
    ),
  },
  { minProperties: 1, description: 'A merge patch (RFC 7396).', examples: [{ events: [], enabled: true }] },
);

/** A week is long enough to change over anything. */
const OVERLAP_MAX_SECONDS = 7 * 86_400;
export const OVERLAP_DEFAULT_SECONDS = 86_400;

export const SecretRotation = named(
  'SecretRotation',
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: OVERLAP_MAX_SECONDS,
        default: OVERLAP_DEFAULT_SECONDS,
        description: 'For how long the present secret signs beside the new one. 0: not at all, as when it has leaked.',
      }),
    ),
  },
  { examples: [{ overlapSeconds: OVERLAP_DEFAULT_SECONDS }] },
);

const Try = closed({
  at: Timestamp,
  durationMs: Type.Integer({ minimum: 0 }),
  status: Type.Optional(Type.Integer({ description: 'HTTP status, where there was an answer.' })),
  failure: Type.Optional(
    Type.String({
      description:
        'What was wrong: `refused` by its status, `redirect`, `gone`, `timeout`, `private-address`, `unresolvable`, or a code of the connection.',
      examples: ['refused', 'ECONNREFUSED'],
    }),
  ),
});

export const WebhookDelivery = named(
  'WebhookDelivery',
  {
    id: Id,
    eventId: Type.String({ description: 'The `webhook-id`: the same at every try.', examples: [`evt_${example.id}`] }),
    type: Type.Enum([...SENT_EVENT_TYPES]),
    outcome: Type.Enum([...DELIVERY_OUTCOMES], { description: 'How it went so far.' }),
    attempts: Type.Integer({ minimum: 0, description: 'Tries so far; a replay begins at 0.' }),
    tries: Type.Array(Try, { description: 'The newest ones, oldest first.' }),
    excerpt: Type.Optional(Type.String({ description: 'The beginning of the last refusal, as one line.' })),
    dueAt: Type.Optional(at('When it is tried next.')),
    createdAt: Timestamp,
  },
  { description: 'What an endpoint is told of one event, and how that goes.' },
);

export const WebhookDeliveryPage = named('WebhookDeliveryPage', Page(ref(WebhookDelivery), 'deliveries').properties);

export const DeliveryListQuery = closed({
  ...pageQuery,
  outcome: Type.Optional(Type.Enum([...DELIVERY_OUTCOMES], { description: 'Those that went so.' })),
});

export const DeliveryParams = closed({ id: Id, deliveryId: Id });
