import { momentsAreRestored } from '../helpers/moments.ts';

momentsAreRestored(20, 600_000);
