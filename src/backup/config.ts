import { Type } from 'typebox';

/** What the environment says of backups: where they go, when, and by which keys. */
export const BACKUP_SETTINGS = {
  BACKUP_URL: Type.Optional(
    Type.String({
      description:
        'Where backups go: `file:///directory`, or `s3://bucket/prefix?region=…&endpoint=…` with the credentials of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, of a profile or of the machine. The service makes them by itself where it is set. A place for each service. Default of the commands outside production: `backups` under `DATA_DIRECTORY`.',
    }),
  ),
  BACKUP_KEYS: Type.Optional(
    Type.String({
      description:
        'Keys that backups are encrypted with: `id:base64key,…`, each of 32 bytes and none of them in `KEYRING`; the first one writes, all of them read. Without it backups are in clear.',
    }),
  ),
  BACKUP_SCHEDULE: Type.String({
    default: '17 2 * * *',
    minLength: 1,
    maxLength: 64,
    description: 'When the service makes a backup, as a cron expression in UTC.',
  }),
  BACKUP_DRILL_SCHEDULE: Type.String({
    default: '47 3 1 * *',
    minLength: 1,
    maxLength: 64,
    description:
      'When the service restores the newest backup and the journal into a scratch database (`<database>_drill_…`) on the same server, looks whether all of it is there, and drops it; as a cron expression in UTC.',
  }),
};
