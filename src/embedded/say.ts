/** Tells the person at the terminal one line. */
export type Say = (line: string) => void;

/** Nobody should look at a silent terminal for longer than 15 s. */
const SILENCE_MS = 10_000;

/**
 * Runs `task`, which says each step before it takes it; when a step takes long, its line is said again with the
 * seconds that have passed.
 */
export async function neverSilent<T>(say: Say, task: (say: Say) => Promise<T>): Promise<T> {
  let last = { line: 'Starting', at: Date.now() };
  const repeat = setInterval(() => {
    say(`Still at it after ${Math.round((Date.now() - last.at) / 1000)} s: ${last.line}`);
  }, SILENCE_MS);
  try {
    return await task((line) => {
      last = { line, at: Date.now() };
      repeat.refresh();
      say(line);
    });
  } finally {
    clearInterval(repeat);
  }
}

/** A step that is usually done at once is only worth a line when it is not. */
const SLOW_MS = 1_000;

/** Waits for `step`, and says what it waits for if that takes longer than a second. */
export async function sayWhenSlow<T>(say: Say, line: string, step: Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(line), SLOW_MS);
  try {
    return await step;
  } finally {
    clearTimeout(timer);
  }
}
