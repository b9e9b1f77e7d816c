import { BACKUP_KINDS, BACKUP_OUTCOMES, BACKUP_TRIGGERS, BackupRun } from '../models/backup.ts';
import * as wire from '../schemas/backup.ts';
import { defineCollection } from './define.ts';

export const backups = defineCollection({
  model: BackupRun,
  purpose:
    'One document for each run of a backup or a drill: how it went and what it made. The backups are in the storage alone.',
  public: {},
  admin: {
    kind: 'A backup, or a drill that restored one.',
    name: 'The directory of the backup in the storage; of a drill its own name.',
    restored: 'Of a drill: the backup that was restored.',
    moment: 'Of a drill: the moment whose state that was.',
    entries: 'Of a drill: entries of the journal that it went through.',
    trigger: 'What asked for it.',
    location: 'Where it is stored, without credentials.',
    keyId: 'The key of `BACKUP_KEYS` that it is encrypted with. Absent where it is in clear.',
    startedAt: 'Of the run.',
    finishedAt: 'When it ended.',
    outcome: 'How it ended.',
    consistent: 'Whether it is of one moment, with the journal of its run: then it can be restored.',
    documents: 'How many documents it holds.',
    bytes: 'What it takes in the storage, compressed.',
    manifestHash: 'SHA-256 of its manifest, which stands for all of it.',
    failure: 'Why the run failed.',
  },
  private: {
    _id: 'On the wire as `id`.',
    running: 'True while it runs; absent afterwards.',
    leaseUntil: 'Until when nobody else may begin. Absent once it has ended.',
    expiresAt: 'Of a run that failed, and of a drill: when it is told of no longer.',
  },
  computed: { id: '`_id` as 24 hexadecimal characters.' },
  indexes: {
    idx_backups_name: 'Forgetting a backup that was removed; one record for a backup.',
    idx_backups_running: 'One run at a time.',
    idx_backups_outcome: 'The newest good one.',
    idx_backups_expires_at: 'TTL: a run that failed is forgotten.',
  },
  relations: [],
  enums: { 'Backup kind': BACKUP_KINDS, 'Backup outcome': BACKUP_OUTCOMES, 'Backup trigger': BACKUP_TRIGGERS },
  retention:
    'As long as there is the backup, by rotation; of a run that failed 90 days, of a drill 400, by TTL on `expiresAt`.',
  notBackedUp: 'The storage itself tells which backups there are.',
  notJournaled: 'The storage itself tells which backups there are.',
  wire: [wire.Backup],
});
