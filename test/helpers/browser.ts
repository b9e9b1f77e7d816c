import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

/** Debian's package `chromium` puts it there. */
const DEBIAN = '/usr/bin/chromium';

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where a Chromium is on this machine: as CHROMIUM_PATH says, or where Debian has it. */
const browserPath = (): string | undefined =>
  [process.env['CHROMIUM_PATH'], DEBIAN].find((path) => path && existsSync(path));

/**
 * Why tests in a browser are left out on this machine, or undefined where they run. With ROSTER_REQUIRE_BROWSER=1, as in
 * CI, they are never left out.
 * @throws when a browser is required and there is none
 */
export function whyNoBrowser(): string | undefined {
  if (browserPath() !== undefined) return undefined;
  const why = `there is no Chromium: install Debian's package "chromium", or set CHROMIUM_PATH`;
  if (process.env['ROSTER_REQUIRE_BROWSER'] === '1') throw new Error(why);
  console.warn(`Tests in a browser are skipped: ${why}.`);
  return why;
}

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** A browser that has seen nothing before. */
export async function openBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'roster-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath() ?? '',
    args: ARGUMENTS,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
