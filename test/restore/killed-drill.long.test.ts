import { drillsSurviveKills } from '../helpers/killed-drill.ts';

drillsSurviveKills(20, 900_000);
