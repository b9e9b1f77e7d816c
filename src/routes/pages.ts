import { readFileSync } from 'node:fs';
import { LINK_PATHS } from '../lib/mail/links.ts';
import { pageHtml } from '../pages/html.ts';
import { PAGES } from '../pages/pages.ts';
import { PAGE_POLICY } from '../plugins/security.ts';
import type { App } from '../types/fastify.ts';

const asset = (name: string): string => readFileSync(new URL(`../pages/${name}`, import.meta.url), 'utf8');

/**
 * A page for each mailed link, so that a team can start before it has pages of its own. They are static: what they do
 * is done by the API, as for any other client.
 */
export default async function pages(app: App): Promise<void> {
  const serve = (url: string, type: string, content: string) =>
    app.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.type(`${type}; charset=utf-8`).header('content-security-policy', PAGE_POLICY).send(content),
    );

  for (const path of LINK_PATHS) serve(`/${path}`, 'text/html', pageHtml(PAGES[path], app.config.SERVICE_NAME));
  serve('/pages/page.js', 'text/javascript', asset('page.js'));
  serve('/pages/page.css', 'text/css', asset('page.css'));
}
