import { purgesSurviveKills } from '../helpers/killed-purge.ts';

// A kill may come after the last step; most of them have to come before.
purgesSurviveKills(20, 10, 600_000);
