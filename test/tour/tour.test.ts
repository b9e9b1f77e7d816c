import { it } from 'vitest';
import { walkTheTour } from './walk.ts';

const MINUTE_MS = 60_000;

it('can be walked with 1,000 accounts', () => walkTheTour(1_000, 2 * MINUTE_MS), 5 * MINUTE_MS);
