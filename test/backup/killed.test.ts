import { backupsSurviveKills } from '../helpers/killed-backup.ts';

backupsSurviveKills(2, 0, 120_000);
