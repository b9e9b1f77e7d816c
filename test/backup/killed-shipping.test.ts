import { shippingSurvivesKills } from '../helpers/killed-shipping.ts';

shippingSurvivesKills(2, 180_000);
