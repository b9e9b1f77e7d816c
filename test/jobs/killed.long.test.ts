import { itSurvivesKills } from '../helpers/killed-service.ts';

itSurvivesKills(20, 600_000);
