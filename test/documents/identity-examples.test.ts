import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseProviderSettings } from '../../src/lib/identity/settings.ts';
import { CLIENT, CLIENT_SECRET, type IdentityService, startIdentityService } from '../helpers/identities.ts';
import { freePort } from '../helpers/listen.ts';
import { freshEmail } from '../helpers/people.ts';
import { Visitor } from '../helpers/visitor.ts';

const PAGE = readFileSync(new URL('../../docs/identities.md', import.meta.url), 'utf8');

const example = (language: string): string => {
  const [, text] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(PAGE) ?? [];
  if (text === undefined) throw new Error(`the page has no example in ${language}`);
  return text;
};

let running: IdentityService;
let address: string;
beforeAll(async () => {
  running = await startIdentityService();
  const port = await freePort();
  address = `http://localhost:${port}`;
  await running.service.app.listen({ port, host: '127.0.0.1' });
});
afterAll(() => running.close());

/** The page of a client, as far as the example needs one. */
function openPage() {
  const kept = new Map<string, string>();
  const location = {
    origin: CLIENT,
    pathname: '/signed-in',
    hash: '',
    left: '',
    assign(to: string) {
      location.left = to;
    },
  };
  const globals = {
    location,
    sessionStorage: {
      setItem: (name: string, value: string) => kept.set(name, value),
      getItem: (name: string) => kept.get(name),
    },
    history: {
      replaceState() {
        location.hash = '';
      },
    },
    // A browser says where a page is from.
    fetch: (url: string, init: RequestInit) => fetch(url, { ...init, headers: { ...init.headers, origin: CLIENT } }),
  };
  const source = example('js browser').replace('http://localhost:3000', address);
  const functions = new Function(...Object.keys(globals), `${source}; return { signInAt, comeBack };`);
  return { location, ...functions(...Object.values(globals)) };
}

it('the page of a client signs in as the document says', async () => {
  const email = freshEmail();
  running.idp.people.set('ada', { email, email_verified: true });
  const page = openPage();
  expect(await page.comeBack()).toBeUndefined();
  await page.signInAt('local');
  const left = new URL(page.location.left);
  const { url } = await new Visitor(running.service, 'ada').visit(left.pathname + left.search);
  expect(url.origin + url.pathname).toBe(`${CLIENT}/signed-in`);
  page.location.hash = url.hash;
  expect(await page.comeBack()).toMatchObject({ user: { email } });
  expect(page.location.hash).toBe('');
});

it('an error on the way is told to the page', async () => {
  const page = openPage();
  await page.signInAt('local');
  const left = new URL(page.location.left);
  const { url } = await new Visitor(running.service, 'nobody').visit(left.pathname + left.search);
  page.location.hash = url.hash;
  await expect(page.comeBack()).rejects.toThrow('identity-denied');
});

it('the configuration of the document is one that is taken', () => {
  const entries = parseProviderSettings(example('json').replaceAll('…', CLIENT_SECRET));
  expect(entries.map(({ id }) => id)).toEqual(['google', 'company']);
});

it('the document names every property of an entry', () => {
  const schema = readFileSync(new URL('../../src/lib/identity/settings.ts', import.meta.url), 'utf8');
  const [, properties = ''] = /const entrySchema = Type.Object\(\s*\{(.*?)\n {2}\},/s.exec(schema) ?? [];
  const names = [...properties.matchAll(/^ {4}(\w+):/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(14);
  for (const name of names) expect(PAGE).toContain(`\`${name}\``);
});
