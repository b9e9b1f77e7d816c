import { Type } from 'typebox';
import { BACKUP_KINDS, BACKUP_OUTCOMES, BACKUP_TRIGGERS } from '../models/backup.ts';
import { closed, Id, named, Page, pageQuery, ref, Timestamp } from './common.ts';

export const Backup = named(
  'Backup',
  {
    id: Id,
    kind: Type.Enum([...BACKUP_KINDS], {
      description:
        'A drill restores the newest backup and the journal into a scratch database, and looks at all of it.',
    }),
    name: Type.String({
      description: 'Its directory in the storage; what `bin/roster backup` knows it by. Of a drill its own name.',
      examples: ['20260131T021700Z-1a2b3c4d'],
    }),
    trigger: Type.Enum([...BACKUP_TRIGGERS], { description: 'What asked for it.' }),
    location: Type.String({ description: 'Where it is stored.', examples: ['s3://backups/roster'] }),
    keyId: Type.Optional(
      Type.String({ description: 'The key that it is encrypted with; absent where it is in clear.' }),
    ),
    startedAt: Timestamp,
    finishedAt: Type.Optional(Type.String({ format: 'date-time', description: 'Absent while it runs.' })),
    outcome: Type.Optional(Type.Enum([...BACKUP_OUTCOMES], { description: 'Absent while it runs.' })),
    consistent: Type.Optional(
      Type.Boolean({
        description: 'Whether it is of one moment, with the journal of its run: then it can be restored.',
      }),
    ),
    restored: Type.Optional(Type.String({ description: 'Of a drill: the backup that was restored.' })),
    moment: Type.Optional(
      Type.String({ format: 'date-time', description: 'Of a drill: the moment whose state was restored.' }),
    ),
    entries: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Of a drill: entries of the journal that it went through.' }),
    ),
    documents: Type.Optional(Type.Integer({ minimum: 0 })),
    bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'What it takes in the storage.' })),
    manifestHash: Type.Optional(Type.String({ description: 'SHA-256 of its manifest, which stands for all of it.' })),
    failure: Type.Optional(Type.String({ description: 'Why the run failed.' })),
  },
  { description: 'A run that made or tried a backup, or should have.' },
);

export const BackupPage = named('BackupPage', Page(ref(Backup), 'page').properties);

export const BackupListQuery = closed(pageQuery);
