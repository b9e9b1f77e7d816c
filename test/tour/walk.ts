import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../helpers/listen.ts';
import { patternOf, readSteps, type Step } from './document.ts';
import { Terminal } from './terminal.ts';

const TOUR = new URL('../../docs/tour.md', import.meta.url);
const README = new URL('../../README.md', import.meta.url);
/** The numbers on the page. */
const [COUNT, PORT] = [100_000, 3000];

/** The steps, but for the port, the number of accounts and the place of the data. */
function adapted(steps: readonly Step[], port: number, accounts: number, data: string): Step[] {
  const adapt = (text: string): string =>
    text
      .replaceAll(`:${PORT}`, `:${port}`)
      .replaceAll(` .data/`, ` ${data}/`)
      .replaceAll(`--count ${COUNT}`, `--count ${accounts}`)
      .replace(/\b100,00\d\b/g, (number) => (Number(number.replace(',', '')) - COUNT + accounts).toLocaleString('en'));
  return steps.map(({ commands, expected, background }) => ({
    commands: adapt(commands),
    expected: expected === undefined ? undefined : adapt(expected),
    background,
  }));
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/**
 * Follows steps as they are printed: every command, and what it prints. A problem that nobody announced is a failure.
 * @param where a copy of the repository to follow them in; this one unless given
 */
export async function walk(
  steps: readonly Step[],
  accounts: number,
  startWithinMs: number,
  where?: string,
): Promise<void> {
  const [port, directory] = [await freePort(), mkdtempSync(join(tmpdir(), 'roster-tour-'))];
  const data = join(directory, 'data');
  const env = { DATA_DIRECTORY: data, PORT: String(port), METRICS_PORT: '0', TMPDIR: directory };
  const [service, visitor] = [new Terminal(env, where), new Terminal(env, where)];
  onTestFinished(async () => {
    await visitor.leave();
    await service.leave();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const { commands, expected, background } of adapted(steps, port, accounts, data)) {
    if (background) {
      service.type(commands);
      await expect.poll(() => isReady(port), { timeout: startWithinMs, message: commands }).toBe(true);
      if (expected !== undefined) expect(service.complained).toMatch(patternOf(expected));
    } else {
      const printed = await visitor.run(commands);
      if (expected === undefined) expect(printed, commands).not.toContain('"type":"/problems/');
      else expect(printed, commands).toMatch(patternOf(expected));
    }
  }
}

export const walkTheTour = (accounts: number, startWithinMs: number): Promise<void> =>
  walk(readSteps(TOUR), accounts, startWithinMs);

export const takeFirstSteps = (accounts: number, startWithinMs: number): Promise<void> => {
  const start: Step = { commands: 'npm start\n', expected: undefined, background: true };
  return walk([start, ...readSteps(README, 'First steps')], accounts, startWithinMs);
};
