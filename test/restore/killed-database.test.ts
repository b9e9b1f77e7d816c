import { databaseSurvivesKills } from '../helpers/killed-database.ts';

databaseSurvivesKills(2, 240_000);
