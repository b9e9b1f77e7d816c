import { EVENT_SCHEMAS } from './schemas/webhook-event.ts';

const text = (name: string, description: string, example: string) => ({
  in: 'header',
  name,
  required: true,
  schema: { type: 'string' as const },
  description,
  example,
});

/** Of Standard Webhooks. */
const HEADERS = [
  text(
    'webhook-id',
    'Of the event: the same at every try, so that one that comes twice is seen to.',
    'evt_665f1c2e9b1e8a0012345678',
  ),
  text('webhook-timestamp', 'Of the try, in seconds since 1970. Refuse what is older than five minutes.', '1795428900'),
  text(
    'webhook-signature',
    'One or more of `v1,<base64>`, separated by spaces: HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`.',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ),
];

const RESPONSES = {
  '2XX': { description: 'It was taken, and is not sent again.' },
  '410': { description: 'There is nobody here any more: the webhook is disabled.' },
  '429': { description: 'Later: `Retry-After` is heeded, also with 503.' },
  default: { description: 'It is sent again, ten times in three days. Redirects are not followed.' },
};

const nameOf = ({ $id }: { readonly $id: string }): string => $id;

/** What the service sends to endpoints of others, as the document's `webhooks`: one entry for each type of event. */
export function webhooksSection() {
  return Object.fromEntries(
    EVENT_SCHEMAS.map(({ type, description, schema }) => [
      type,
      {
        post: {
          operationId: `on${nameOf(schema)}`,
          summary: `An event of type ${type}`,
          description,
          tags: ['Webhooks'],
          security: [],
          parameters: HEADERS,
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { $ref: `#/components/schemas/${nameOf(schema)}` } } },
          },
          responses: RESPONSES,
        },
      },
    ]),
  );
}
