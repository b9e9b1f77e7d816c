import { backupsSurviveKills } from '../helpers/killed-backup.ts';

backupsSurviveKills(20, 5, 15 * 60_000);
