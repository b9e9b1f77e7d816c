import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Browser, openBrowser, whyNoBrowser } from '../helpers/browser.ts';
import { ACCESS, REFRESH } from '../helpers/cookie-jar.ts';
import { freePort } from '../helpers/listen.ts';
import { PASSWORD, type Person, person } from '../helpers/people.ts';

const [, EXAMPLE = ''] =
  /```js browser\n(.*?)```/s.exec(readFileSync(new URL('../../docs/sign-in.md', import.meta.url), 'utf8')) ?? [];

/** Serves an empty page, from an origin of its own. */
async function servePage(): Promise<{ server: Server; origin: string }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>A page</title>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}

const reason = whyNoBrowser();

describe.skipIf(reason !== undefined)(`cookies in a browser${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let service: TestApp;
  let origin: string;
  let listed: Awaited<ReturnType<typeof servePage>>;
  let foreign: Awaited<ReturnType<typeof servePage>>;
  let browser: Browser;
  let ada: Person;
  beforeAll(async () => {
    [listed, foreign] = [await servePage(), await servePage()];
    const port = await freePort();
    origin = `http://localhost:${port}`;
    service = await buildTestApp({ PUBLIC_URL: origin, CORS_ORIGINS: listed.origin });
    await service.app.listen({ port, host: '127.0.0.1' });
    ada = await person(service);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    for (const { server } of [listed, foreign]) server.close();
    await service.close();
  });
  beforeEach(() => browser.context.clearCookies());

  async function open(url: string): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(url);
    return page;
  }

  const run = (page: Page, body: string): Promise<unknown> => page.evaluate(`(async () => { ${body} })()`);

  /** What the example of the documentation makes of an expression, in a page. */
  const byExample = (page: Page, expression: string): Promise<unknown> =>
    run(page, `${EXAMPLE.replaceAll('http://localhost:3000', origin).replaceAll('export ', '')} return ${expression};`);

  const signIn = async (page: Page): Promise<void> => {
    const [email, password] = [JSON.stringify(ada.email), JSON.stringify(PASSWORD)];
    expect(await byExample(page, `(await signIn(${email}, ${password})).status`)).toBe(201);
  };

  it.each(['the service itself', 'a listed origin'])(
    'are kept for a page of %s, and shown to no script',
    async (whose) => {
      const page = await open(whose === 'a listed origin' ? listed.origin : `${origin}/docs`);
      await signIn(page);
      expect(await browser.context.cookies(origin)).toMatchObject(
        [ACCESS, REFRESH].map((name) => ({ name, path: '/', httpOnly: true, secure: true, sameSite: 'Lax' })),
      );
      expect(await page.evaluate('document.cookie')).toBe('');
      expect(await byExample(page, "(await call('GET', '/v1/users/me')).json()")).toMatchObject({ id: ada.id });
    },
  );

  it('are renewed once when the access cookie is gone, and gone after sign-out', async () => {
    const page = await open(listed.origin);
    await signIn(page);
    await browser.context.clearCookies({ name: ACCESS });
    const calls = "[call('PATCH', '/v1/users/me', { firstName: 'Ada' }), call('GET', '/v1/sessions')]";
    expect(await byExample(page, `(await Promise.all(${calls})).map(({ status }) => status)`)).toEqual([200, 200]);
    expect(await Session.countDocuments({ rotation: 1 })).toBe(1);
    expect(await byExample(page, '(await signOut()).status')).toBe(204);
    expect(await browser.context.cookies(origin)).toEqual([]);
  });

  it('are sent along by a foreign page of the same site, to no effect', async () => {
    await signIn(await open(listed.origin));
    const before = await Session.find().lean();
    const page = await open(foreign.origin);
    const refused = () => service.logged().filter(({ code }) => code === 'foreign-origin').length;
    const seen = refused();
    const send = (method: string, path: string, mode: string) =>
      run(page, `await fetch('${origin}${path}', { method: '${method}', mode: '${mode}', credentials: 'include' })`);
    // What needs no preflight is sent, with the cookies, and its answer is kept from the page; what needs one is not sent.
    await expect(send('POST', '/v1/sessions/refresh', 'no-cors')).rejects.toThrow('Failed to fetch');
    expect(refused()).toBe(seen + 1);
    await expect(send('DELETE', '/v1/sessions', 'cors')).rejects.toThrow('Failed to fetch');
    await expect(send('GET', '/v1/users/me', 'cors')).rejects.toThrow('Failed to fetch');
    expect(await Session.find().lean()).toEqual(before);
  });
});
