/** Every event that a webhook can tell of, and when it happens. */
export const WEBHOOK_EVENTS = Object.freeze({
  'user.created': 'An account was made: by sign-up, by an admin, through an identity provider or by an import.',
  'user.updated': 'Names, avatar or metadata changed.',
  'user.roles-changed': 'An admin gave or took roles.',
  'user.deleted':
    'The account was deleted. It can be restored for a time, unless it was a sign-up that the owner of the mailbox rejected: then `user` is null.',
  'user.suspended': 'An admin suspended the account.',
  'user.reactivated': 'A suspended or inactive account is active again.',
  'user.restored': 'A deleted account was restored.',
  'user.deactivated': 'The account became inactive: by its owner, or because nobody had signed in for long.',
  'user.purged': 'The account is gone for good, with all that belonged to it: `user` is null.',
  'user.password-changed': 'The password was changed or reset; other sessions of the account ended.',
  'user.email-verified': 'The owner proved the mailbox.',
  'user.email-changed': 'The email is another one, and proven.',
  'factor.added': 'A second factor or a passkey was added.',
  'factor.removed': 'A second factor or a passkey was removed.',
  'identity.linked': 'An account of an identity provider can now open the account.',
  'identity.unlinked': 'An account of an identity provider no longer opens the account.',
  'session.created': 'Somebody signed in to the account.',
  'session.ended': 'A session ended before its time, or all of the account’s did: then `sessionId` is null.',
} as const);

export type WebhookEventType = keyof typeof WEBHOOK_EVENTS;

export const WEBHOOK_EVENT_TYPES = Object.freeze(Object.keys(WEBHOOK_EVENTS) as WebhookEventType[]);

/** Sent when somebody asks for it, to one endpoint, whatever it has chosen to hear of. */
export const TEST_EVENT = 'webhook.test';

/** What may be sent. */
export const SENT_EVENT_TYPES = Object.freeze([...WEBHOOK_EVENT_TYPES, TEST_EVENT] as const);
export type SentEventType = (typeof SENT_EVENT_TYPES)[number];
