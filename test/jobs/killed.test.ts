import { itSurvivesKills } from '../helpers/killed-service.ts';

itSurvivesKills(2, 60_000);
