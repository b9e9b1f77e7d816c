import { Type } from 'typebox';
import { JOB_OUTCOMES } from '../models/job.ts';
import { named, ref } from './common.ts';

export const RetentionRule = named(
  'RetentionRule',
  {
    name: Type.String({ examples: ['deleted-accounts'] }),
    collection: Type.String({ examples: ['users'] }),
    text: Type.String({ description: 'What it is about, and what happens to it.' }),
    period: Type.Union([Type.String({ examples: ['P30D'] }), Type.Null()], {
      description: 'ISO 8601; null where the rule is switched off, or where it differs by document.',
    }),
    setting: Type.Optional(Type.String({ description: 'The variable that sets the period.' })),
    by: Type.Enum(['ttl', 'job'], { description: 'Whether the database does it by itself, or the job `retention`.' }),
    due: Type.Optional(Type.Integer({ minimum: 0, description: 'For how many documents the job has it to do now.' })),
    done: Type.Optional(Type.Integer({ minimum: 0, description: 'For how many the last run of the job did it.' })),
  },
  { description: 'How long something is kept.' },
);

export const Retention = named('Retention', {
  items: Type.Array(ref(RetentionRule), { description: 'All of them, in the order in which the job works.' }),
  lastRun: Type.Optional(
    Type.Object(
      { finishedAt: Type.String({ format: 'date-time' }), outcome: Type.Enum([...JOB_OUTCOMES]) },
      { additionalProperties: false, description: 'Of the job; `GET /v1/admin/jobs` tells more.' },
    ),
  ),
});
