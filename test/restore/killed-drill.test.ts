import { drillsSurviveKills } from '../helpers/killed-drill.ts';

drillsSurviveKills(2, 120_000);
