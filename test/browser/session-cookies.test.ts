import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { freePort } from '../helpers/listen.ts';
import { PASSWORD, type Person, person } from '../helpers/people.ts';

/** Where Linux distributions put it. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const EXAMPLE = readFileSync(new URL('../../docs/sessions.md', import.meta.url), 'utf8')
  .split('```js browser\n')[1]
  ?.split('```\n')[0];

/** Serves an empty page of another origin. */
async function pageServer(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe.skipIf(CHROMIUM === undefined)('a real browser', { timeout: 60_000 }, () => {
  let browser: Browser;
  let service: TestApp;
  let origin: string;
  let listed: Server;
  let ada: Person;
  beforeAll(async () => {
    const port = await freePort();
    listed = await pageServer();
    origin = `http://localhost:${port}`;
    service = await buildTestApp({ PUBLIC_URL: origin, CORS_ORIGINS: `http://localhost:${portOf(listed)}` });
    await service.app.listen({ port, host: '127.0.0.1' });
    ada = await person(service);
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    listed.close();
    await service.close();
  });

  async function open(url: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    return page;
  }

  /** Runs the example of the documentation in a page. */
  async function inPage(page: Page, expression: string): Promise<unknown> {
    const code = `${EXAMPLE?.replace('http://localhost:3000', origin).replaceAll('export ', '')}\nreturn ${expression};`;
    return page.evaluate((text) => new Function(`return (async () => { ${text} })()`)(), code);
  }

  it('keeps the cookies, of a plain localhost too, and shows them to no script', async () => {
    const page = await open(`http://localhost:${portOf(listed)}/`);
    const signIn = `(await signIn(${JSON.stringify(ada.email)}, ${JSON.stringify(PASSWORD)})).status`;
    expect(await inPage(page, signIn)).toBe(201);
    const cookies = await page.context().cookies(origin);
    console.log(cookies);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await inPage(page, "(await call('GET', '/v1/users/me')).json()")).toMatchObject({ id: ada.id });
    await page.context().clearCookies({ name: '__Host-roster-access' });
    expect(await inPage(page, "(await call('PATCH', '/v1/users/me', { firstName: 'Ada' })).status")).toBe(200);
    expect(await inPage(page, '(await signOut()).status')).toBe(204);
    expect(await page.context().cookies(origin)).toEqual([]);
  });
});
