import { it } from 'vitest';
import { takeFirstSteps } from './walk.ts';

const MINUTE_MS = 60_000;

it('can be begun by the first steps of the README', () => takeFirstSteps(1_000, 2 * MINUTE_MS), 5 * MINUTE_MS);
