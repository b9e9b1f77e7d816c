import { writeFileSync, writeSync } from 'node:fs';
import { PROGRAM } from './identity.ts';

/** Tells a person one line about what is going on. */
export type Say = (line: string) => void;

/** Nobody should look at a silent terminal for longer than 15 s. */
const REPEAT_AFTER_MS = 10_000;

/**
 * Says a line on stderr. mongodb-memory-server swallows the stderr of the binary that it runs, so the line also goes
 * to the terminal, when there is one.
 */
export const sayToPerson: Say = (line) => {
  const text = `${PROGRAM}: ${line}\n`;
  try {
    writeSync(2, text);
  } catch {
    // stderr is closed: nobody is reading
  }
  if (process.stderr.isTTY || !process.env['MONGOMS_SYSTEM_BINARY']) return;
  try {
    writeFileSync('/dev/tty', text);
  } catch {
    // no terminal
  }
};

/**
 * Runs `task` and says every ten seconds what it is waiting for, until it ends.
 * @param describe gets the seconds that have passed
 */
export async function whileSaying<T>(
  say: Say,
  describe: (seconds: number) => string,
  task: () => Promise<T>,
  everyMs = REPEAT_AFTER_MS,
): Promise<T> {
  const started = Date.now();
  const timer = setInterval(() => say(describe(Math.round((Date.now() - started) / 1000))), everyMs);
  try {
    return await task();
  } finally {
    clearInterval(timer);
  }
}
