import { restoresSurviveKills } from '../helpers/killed-restore.ts';

restoresSurviveKills(20, 5, 20 * 60_000);
