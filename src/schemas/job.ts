import { Type } from 'typebox';
import { JOB_OUTCOMES } from '../models/job.ts';
import { named, ref, Timestamp } from './common.ts';

const at = (description: string) => Type.String({ format: 'date-time', description });

export const Job = named(
  'Job',
  {
    name: Type.String({ examples: ['rotate-signing-keys'] }),
    schedule: Type.String({ description: 'A cron expression, in UTC.', examples: ['17 * * * *'] }),
    running: Type.Boolean({ description: 'Whether an instance is at it.' }),
    dueAt: at('The scheduled time that the newest run is for.'),
    nextAt: Timestamp,
    startedAt: Type.Optional(at('When the newest run began.')),
    finishedAt: Type.Optional(at('When the last run ended.')),
    durationMs: Type.Optional(Type.Integer({ minimum: 0, description: 'Of that run.' })),
    outcome: Type.Optional(Type.Enum([...JOB_OUTCOMES], { description: 'Of that run.' })),
    result: Type.Optional(
      Type.Record(Type.String(), Type.Number(), {
        description: 'What that run did, in numbers.',
        examples: [{ created: 1 }],
      }),
    ),
    failure: Type.Optional(Type.String({ description: 'Why that run failed; it is tried again within five minutes.' })),
    lastSuccessAt: Type.Optional(at('When a run last ended well.')),
  },
  { description: 'What the service does by itself, on a schedule. Of all instances one makes each run.' },
);

export const JobList = named('JobList', { items: Type.Array(ref(Job), { description: 'All of them, by name.' }) });
