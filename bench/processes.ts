import { readFile } from 'node:fs/promises';

const TICKS_PER_SECOND = 100;

/**
 * Milliseconds of CPU that a process has used so far, user and system, all its threads; undefined where there is no
 * /proc. Linux counts them in ticks of 10 ms.
 */
export async function cpuOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The name of the program stands in brackets and may hold anything, so fields are counted from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]].map(Number);
  return (((user ?? 0) + (system ?? 0)) * 1000) / TICKS_PER_SECOND;
}
