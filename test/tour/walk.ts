import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { patternOf, readSteps, type Step } from './document.ts';
import { Terminal } from './terminal.ts';

const PAGE = new URL('../../docs/tour.md', import.meta.url);
/** The numbers on the page. */
const [COUNT, PORT] = [100_000, 3000];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The page, but for the port and the number of accounts. */
function stepsFor(port: number, accounts: number): Step[] {
  const adapt = (text: string): string =>
    text
      .replaceAll(`:${PORT}`, `:${port}`)
      .replaceAll(`--count ${COUNT}`, `--count ${accounts}`)
      .replace(/\b100,00\d\b/g, (number) => (Number(number.replace(',', '')) - COUNT + accounts).toLocaleString('en'));
  return readSteps(PAGE).map(({ commands, expected, background }) => ({
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

/** Follows the tour as it is printed: every command, and what it prints. */
export async function walkTheTour(accounts: number, startWithinMs: number): Promise<void> {
  const [port, directory] = [await freePort(), mkdtempSync(join(tmpdir(), 'roster-tour-'))];
  const env = { DATA_DIRECTORY: join(directory, 'data'), PORT: String(port), METRICS_PORT: '0', TMPDIR: directory };
  const [service, visitor] = [new Terminal(env), new Terminal(env)];
  onTestFinished(async () => {
    await visitor.leave();
    await service.leave();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const { commands, expected, background } of stepsFor(port, accounts)) {
    if (background) {
      service.type(commands);
      await expect.poll(() => isReady(port), { timeout: startWithinMs, message: commands }).toBe(true);
      if (expected !== undefined) expect(service.complained).toMatch(patternOf(expected));
    } else {
      const printed = await visitor.run(commands);
      if (expected !== undefined) expect(printed, commands).toMatch(patternOf(expected));
    }
  }
}
