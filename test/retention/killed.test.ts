import { purgesSurviveKills } from '../helpers/killed-purge.ts';

purgesSurviveKills(2, 0, 60_000);
