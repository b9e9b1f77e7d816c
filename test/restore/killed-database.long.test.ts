import { databaseSurvivesKills } from '../helpers/killed-database.ts';

databaseSurvivesKills(20, 1_800_000);
