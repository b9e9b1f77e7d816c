import { type TObject, Type } from 'typebox';
import { TEST_EVENT, WEBHOOK_EVENT_TYPES, WEBHOOK_EVENTS, type WebhookEventType } from '../lib/webhooks/catalogue.ts';
import { closed, Id, named, ref, Timestamp } from './common.ts';
import { USER_EXAMPLE, User } from './user.ts';

const AccountData = closed({
  userId: Id,
  user: Type.Union([ref(User), Type.Null()], {
    description: 'The account as it was when the event was sent out, the same at every try; null when it is gone.',
  }),
  changes: Type.Array(Type.String(), { description: 'Paths that changed, where the event is about some.' }),
});

const SignInData = closed({ userId: Id });
const SignOutData = closed({
  userId: Id,
  sessionId: Type.Union([Id, Type.Null()], { description: 'Null where all sessions of the account ended.' }),
});

const OF_TEST = 'Somebody asked for a test. It tells of nothing.';
const TestData = closed({ webhookId: Id });

const [id, at] = ['665f1c2e9b1e8a0012345678', '2026-11-23T10:15:00.000Z'];

/** `user.email-changed` → `UserEmailChangedEvent`: a name that generators of clients can make a type of. */
const nameOf = (type: string): string =>
  `${type.replaceAll(/(?:^|[.-])(\w)/g, (_match, letter: string) => letter.toUpperCase())}Event`;

const payload = (type: string, data: TObject, description: string, example: object) =>
  named(
    nameOf(type),
    { type: Type.Enum([type]), timestamp: { ...Timestamp, description: 'When it happened.' }, data },
    { description, examples: [{ type, timestamp: at, data: example }] },
  );

/** One schema for each type of event: the whole body of its delivery. */
function schemaOf(type: WebhookEventType) {
  const description = WEBHOOK_EVENTS[type];
  if (type === 'session.created') return payload(type, SignInData, description, { userId: id });
  if (type === 'session.ended') return payload(type, SignOutData, description, { userId: id, sessionId: id });
  const changes = type === 'user.updated' ? ['firstName'] : [];
  return payload(type, AccountData, description, { userId: id, user: USER_EXAMPLE, changes });
}

export const EVENT_SCHEMAS = Object.freeze([
  ...WEBHOOK_EVENT_TYPES.map((type) => ({ type, description: WEBHOOK_EVENTS[type], schema: schemaOf(type) })),
  {
    type: TEST_EVENT,
    description: OF_TEST,
    schema: payload(TEST_EVENT, TestData, OF_TEST, { webhookId: id }),
  },
]);
