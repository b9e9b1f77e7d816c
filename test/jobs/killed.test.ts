import { itSurvivesKills } from '../helpers/killed-service.ts';

itSurvivesKills(1, 60_000);
