import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINK_PATHS } from '../../src/lib/mail/links.ts';
import { PAGES } from '../../src/pages/pages.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { operationsOf } from '../helpers/operations.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ SERVICE_NAME: 'Ada & <Sons>' });
});
afterAll(() => service.close());

const get = (url: string) => service.app.inject(url);

describe.each(LINK_PATHS)('/%s', (path) => {
  it('is a page that runs its own script and style sheet, and nothing else', async () => {
    const { statusCode, headers, body } = await get(`/${path}`);
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    expect(body).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/);
    for (const [, url = ''] of body.matchAll(/(?:src|href)="([^"]*)"/g)) {
      expect(url).toMatch(/^pages\//);
      expect((await get(`/${url}`)).statusCode, url).toBe(200);
    }
  });

  it('can be read by everybody: language, title, one heading, a label for each field, a place for what happened', async () => {
    const { body } = await get(`/${path}`);
    expect(body).toContain('<html lang="en">');
    expect(body).toContain(`<title>${PAGES[path].title} – Ada &amp; &lt;Sons&gt;</title>`);
    expect(body.match(/<h1>/g)).toHaveLength(1);
    expect(body).toContain('role="status"');
    for (const [, id] of body.matchAll(/<input id="(\w+)"[^>]*type="password"/g))
      expect(body).toContain(`<label for="${id}">`);
  });

  it('sends its form to a route that takes what it sends', () => {
    const { action, field } = PAGES[path];
    const operation = operationsOf(service).find(({ name }) => name === `POST /${action}`);
    const places = operation?.textPlaces.map(({ pointer }) => pointer);
    expect(places).toEqual(expect.arrayContaining(['/token', ...(field ? [`/${field.name}`] : [])]));
  });
});

it('script and style sheet say what they are', async () => {
  expect((await get('/pages/page.js')).headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect((await get('/pages/page.css')).headers['content-type']).toBe('text/css; charset=utf-8');
});
