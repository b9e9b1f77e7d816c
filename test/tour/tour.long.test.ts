import { it } from 'vitest';
import { walkTheTour } from './walk.ts';

const MINUTE_MS = 60_000;

it('can be walked with all 100,000 accounts', () => walkTheTour(100_000, 2 * MINUTE_MS), 30 * MINUTE_MS);
