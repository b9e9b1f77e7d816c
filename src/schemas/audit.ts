import { Type } from 'typebox';
import { FINDING_CODES } from '../audit/findings.ts';
import { ACTOR_TYPES, AUDIT_ACTIONS, AUDIT_OUTCOMES } from '../models/audit-event.ts';
import { closed, Id, named, Page, pageQuery, ref, Timestamp } from './common.ts';

const Action = Type.Enum([...AUDIT_ACTIONS], { description: 'What was done.' });
const Outcome = Type.Enum([...AUDIT_OUTCOMES], { description: 'How it ended.' });
const Reason = Type.String({
  description: 'Why it failed or was denied: an error code.',
  examples: ['invalid-credentials'],
});
const Changes = Type.Array(Type.String(), { description: 'Paths that changed, without their values.' });
const Count = Type.Integer({
  minimum: 0,
  description: 'How many documents a list showed, or how often the same was denied.',
});

/** From where and with what, as long as the person has not been erased. */
const personal = {
  ip: Type.Optional(Type.String({ description: 'From which address; of what was counted in IPv6, the network.' })),
  userAgent: Type.Optional(Type.String()),
  device: Type.Optional(Type.String({ description: 'What the user agent names.', examples: ['Firefox on Windows'] })),
};

/** Who did something to an account, as its owner is told. */
export const ACTIVITY_BY = ['self', 'anybody', 'staff', 'operator', 'service'] as const;

export const Activity = named(
  'Activity',
  {
    id: Id,
    action: Action,
    outcome: Outcome,
    reason: Type.Optional(Reason),
    by: Type.Enum([...ACTIVITY_BY], {
      description:
        'The account itself, somebody who was not signed in, an admin or support, whoever operates the service, or the service by itself.',
    }),
    changes: Type.Optional(Changes),
    count: Type.Optional(Count),
    at: Timestamp,
    ...personal,
  },
  {
    description: 'What happened to the own account. Where from is told of oneself and of those who were not signed in.',
  },
);

export const ActivityPage = named('ActivityPage', Page(ref(Activity), 'page').properties);

export const AuditEvent = named(
  'AuditEvent',
  {
    id: Id,
    action: Action,
    outcome: Outcome,
    reason: Type.Optional(Reason),
    actor: closed(
      { type: Type.Enum([...ACTOR_TYPES]), id: Type.Optional(Id) },
      { description: 'Who did it; `id` is an account.' },
    ),
    target: closed(
      { collection: Type.String(), id: Type.Optional(Id), name: Type.Optional(Type.String()) },
      { description: 'What it was done to; `name` is that of a key or of a route.' },
    ),
    changes: Type.Optional(Changes),
    count: Type.Optional(Count),
    at: Timestamp,
    requestId: Type.Optional(Type.String({ description: 'As in the logs and the answer of the request.' })),
    ...personal,
    note: Type.Optional(Type.String({ description: 'What somebody wrote about it, such as why.' })),
    personalValues: Type.Optional(
      Type.Enum(['erased', 'altered'], {
        description:
          'Why address, agent and note are not shown: the person was erased, or they are not what was written.',
      }),
    ),
    sealId: Type.Optional(Type.Integer({ description: 'The seal that covers it, after a few seconds.' })),
  },
  { description: 'Who did what, to what, when, from where and how it ended.' },
);

export const AuditEventPage = named('AuditEventPage', Page(ref(AuditEvent), 'page').properties);

const when = (description: string) => Type.Optional(Type.String({ format: 'date-time', description }));

export const AuditEventQuery = closed({
  ...pageQuery,
  actor: Type.Optional(Id),
  target: Type.Optional(Id),
  action: Type.Optional(Action),
  outcome: Type.Optional(Outcome),
  from: when('From then on.'),
  to: when('Before then.'),
});

export const UserAuditEventQuery = closed({
  ...pageQuery,
  from: when('From then on.'),
  to: when('Before then.'),
});

export const ActivityQuery = closed(pageQuery);

const Anchor = closed({
  number: Type.Integer({ minimum: 1 }),
  hash: Type.String({
    description: 'Stands for all that was sealed before; to be noted where nobody can change both.',
  }),
});

export const AuditVerification = named(
  'AuditVerification',
  {
    valid: Type.Boolean({ description: 'Whether nothing was found in what was looked at.' }),
    findings: Type.Array(
      closed({
        code: Type.Enum([...FINDING_CODES]),
        seal: Type.Number({ description: 'The number of the seal that it is about.' }),
        event: Type.Optional(Id),
      }),
      { description: 'What was found, the first hundred of it.' },
    ),
    findingCount: Type.Integer({ minimum: 0 }),
    seals: Type.Integer({ minimum: 0, description: 'Seals looked at.' }),
    events: Type.Integer({ minimum: 0, description: 'Events looked at.' }),
    erased: Type.Integer({ minimum: 0, description: 'Events among them whose personal values were erased.' }),
    expired: Type.Integer({ minimum: 0, description: 'Seals among them whose events were removed in time.' }),
    unsealed: Type.Integer({ minimum: 0, description: 'Events that wait for their seal.' }),
    head: Type.Union([Anchor, Type.Null()], { description: 'The newest seal.' }),
    next: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Pass as `from` to go on; null when the newest seal has been looked at.',
    }),
  },
  { description: 'What a look at some seals and their events has found.' },
);

export const AuditVerificationQuery = closed({
  from: Type.Optional(Type.Integer({ minimum: 1, default: 1, description: 'Number of the first seal to look at.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How many seals.' })),
});
