import { momentsAreRestored } from '../helpers/moments.ts';

momentsAreRestored(4, 120_000);
