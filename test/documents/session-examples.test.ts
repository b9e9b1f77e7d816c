import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { ACCESS, cookieHeader, REFRESH } from '../helpers/cookie-jar.ts';
import { freePort } from '../helpers/listen.ts';
import { PASSWORD, type Person, person } from '../helpers/people.ts';

const PAGE = readFileSync(new URL('../../docs/sign-in.md', import.meta.url), 'utf8');
const ROOT = new URL('../..', import.meta.url);

let service: TestApp;
let ada: Person;
beforeAll(async () => {
  const port = await freePort();
  service = await buildTestApp({ PUBLIC_URL: `http://localhost:${port}` });
  await service.app.listen({ port, host: '127.0.0.1' });
  ada = await person(service);
});
afterAll(() => service.close());

/** An example of the page as it stands there, but for the address of the service. */
function example(name: string): string {
  const code = PAGE.split(`\`\`\`js ${name}\n`)[1]?.split('```\n')[0];
  if (code === undefined) throw new Error(`the page has no example "${name}"`);
  return code.replaceAll('http://localhost:3000', service.config.PUBLIC_URL);
}

describe('the example for browsers', () => {
  interface Example {
    signIn(email: string, password: string): Promise<Response>;
    signOut(): Promise<Response>;
    call(method: string, path: string, body?: object): Promise<Response>;
  }

  const cookies = new Map<string, string>();
  const requests: string[] = [];

  /** As a browser would: cookies both ways for whoever asks for credentials, and the origin of the page. */
  const nativeFetch = globalThis.fetch;
  async function browserFetch(url: string, init: RequestInit): Promise<Response> {
    expect(init.credentials).toBe('include');
    requests.push(`${init.method} ${new URL(url).pathname}`);
    const headers = { ...init.headers, origin: service.config.PUBLIC_URL, cookie: cookieHeader(cookies) };
    const response = await nativeFetch(url, { ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/; Max-Age=0;/.test(cookie)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  let page: Example;
  beforeAll(async () => {
    vi.stubGlobal('fetch', browserFetch);
    page = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(example('browser'))}`);
  });
  afterEach(() => {
    requests.length = 0;
  });
  afterAll(() => vi.unstubAllGlobals());

  it('signs in, and goes on with one refresh when the access cookie is gone, however many requests find out', async () => {
    expect((await page.signIn(ada.email, PASSWORD)).status).toBe(201);
    expect((await page.call('GET', '/v1/users/me')).status).toBe(200);
    expect([...cookies.keys()]).toEqual([ACCESS, REFRESH]);
    cookies.delete(ACCESS);
    requests.length = 0;
    const answers = await Promise.all([
      page.call('PATCH', '/v1/users/me', { firstName: 'Ada' }),
      page.call('GET', '/v1/sessions'),
      page.call('GET', '/v1/users/me'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(requests.filter((request) => request === 'POST /v1/sessions/refresh')).toHaveLength(1);
  });

  it('signs out', async () => {
    expect((await page.signOut()).status).toBe(204);
    expect(cookies.size).toBe(0);
    expect((await page.call('GET', '/v1/users/me')).status).toBe(401);
  });
});

describe('the examples for servers', () => {
  /** Runs them as a program of its own, beside a dependency that they import. */
  async function run(code: string): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: ROOT,
    });
    return stdout;
  }

  const credentials = () => `${JSON.stringify(ada.email)}, ${JSON.stringify(PASSWORD)}`;

  it('keep a session by bearer token, and renew it once for all who ask', async () => {
    const before = await Session.countDocuments({ rotation: 1 });
    const out = await run(`${example('client')}
      const accessToken = await signIn(${credentials()});
      const first = await accessToken();
      const real = Date.now;
      Date.now = () => real() + 580_000;
      const later = await Promise.all([accessToken(), accessToken(), accessToken()]);
      const headers = { authorization: 'Bearer ' + later[0] };
      const { status } = await fetch(ROSTER + '/v1/users/me', { headers });
      console.log(JSON.stringify([new Set(later).size, status]));
    `);
    expect(JSON.parse(out)).toEqual([1, 200]);
    expect(await Session.countDocuments({ rotation: 1 })).toBe(before + 1);
  });

  it('verify a token offline, and no other', async () => {
    const out = await run(`${example('server')}
      const claims = await claimsOf('Bearer ${ada.accessToken}');
      const tokens = ['', 'Bearer', 'Bearer a.b.c', 'Bearer ${ada.accessToken.slice(0, -2)}', 'Bearer ${ada.refreshToken}'];
      const refused = await Promise.allSettled(tokens.map((token) => claimsOf(token)));
      console.log(JSON.stringify([claims, refused.map(({ status }) => status)]));
    `);
    expect(JSON.parse(out)).toEqual([
      expect.objectContaining({ sub: ada.id, sid: ada.sessionId, roles: ['user'], amr: ['pwd'] }),
      Array.from({ length: 5 }, () => 'rejected'),
    ]);
  });
});
