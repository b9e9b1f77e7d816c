import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** A tenth of the weight of a thread that is not nice, for the scheduler of Linux. */
const NICE = 10;

const TASKS = '/proc/self/task';

/**
 * Lets the event loop, and the database beside it, go before the threads of this process that hash passwords: on all
 * cores at once they would make everybody else wait for a core, and a flood of sign-ins would slow every other route
 * down. They still take all that is left over. On Linux each thread has a priority of its own (setpriority(2)), and
 * anybody may lower it; elsewhere nothing happens.
 */
export function letOthersGoFirst(): void {
  if (process.platform !== 'linux') return;
  for (const thread of readdirSync(TASKS).map(Number)) if (thread !== process.pid) lower(thread);
}

function lower(thread: number): void {
  try {
    setPriority(thread, NICE);
  } catch {
    // It has ended since it was listed, or the system does not allow it: then all are alike, as before.
  }
}
