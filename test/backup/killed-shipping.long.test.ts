import { shippingSurvivesKills } from '../helpers/killed-shipping.ts';

shippingSurvivesKills(20, 20 * 60_000);
