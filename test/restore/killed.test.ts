import { restoresSurviveKills } from '../helpers/killed-restore.ts';

restoresSurviveKills(2, 0, 180_000);
