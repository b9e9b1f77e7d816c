import { afterAll, beforeAll, vi } from 'vitest';

const HOUR_MS = 3_600_000;

/**
 * Stops the clock for the tests of a file, at the next full hour: no window of a limit ends between two requests, and
 * nothing that the service writes has expired for the database, whose clock goes on.
 */
export function stopTheClock(): void {
  beforeAll(() => {
    const now = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
    vi.useFakeTimers({ toFake: ['Date'], now });
  });
  afterAll(() => {
    vi.useRealTimers();
  });
}

/** Puts a clock that was stopped forward. */
export const passTime = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
