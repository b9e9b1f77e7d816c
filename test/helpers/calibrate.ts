import { expect } from 'vitest';
import { roster } from './roster.ts';

export const calibrate = (...args: string[]) => roster(['passwords', 'calibrate', ...args]);
const VARIABLE = /^[A-Z0-9_]+=\d+$/;

/** The lines as an environment, as `set -a; . file` would read them. */
export function environmentOf(stdout: string): Record<string, string> {
  const lines = stdout.trimEnd().split('\n');
  expect(lines.filter((line) => !line.startsWith('# ') && !VARIABLE.test(line))).toEqual([]);
  return Object.fromEntries(lines.filter((line) => VARIABLE.test(line)).map((line) => line.split('=')));
}
