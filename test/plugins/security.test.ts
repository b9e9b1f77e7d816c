import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listen } from '../helpers/listen.ts';
import { until } from '../helpers/until.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ CORS_ORIGINS: 'https://app.example.com,http://localhost:5173' }, (app) => {
    app.get('/v1/test/address', { config: { access: 'public' } }, async ({ ip, host, protocol }) => ({
      ip,
      host,
      protocol,
    }));
  });
});
afterAll(() => service.close());

describe('headers', () => {
  it.each(['/healthz', '/nowhere', '/v1/users/me', '/%ZZ'])(
    'of %s forbid what a browser might do with it',
    async (url) => {
      const { headers } = await service.app.inject(url);
      expect(headers).toMatchObject({
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(headers).not.toHaveProperty('strict-transport-security');
      expect(headers).not.toHaveProperty('x-powered-by');
    },
  );

  it('ask for HTTPS only where the service is reached by it', async () => {
    const secure = await service.another({ PUBLIC_URL: 'https://accounts.example.com' });
    const { headers } = await secure.app.inject('/healthz');
    expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  });

  it('let the documentation run its own script and nobody else’s', async () => {
    const { headers, body, statusCode } = await service.app.inject('/docs');
    expect(statusCode).toBe(200);
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(body).not.toMatch(/<script>[^<]/);
  });
});

describe('other origins', () => {
  const preflight = (origin: string) =>
    service.app.inject({
      method: 'OPTIONS',
      url: '/v1/users',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });

  it('on the list may call, and read the headers they need', async () => {
    const answer = await preflight('https://app.example.com');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(answer.headers['access-control-allow-methods']).toContain('PATCH');
    expect(answer.headers['access-control-allow-credentials']).toBe('true');
    const { headers } = await service.app.inject({ url: '/healthz', headers: { origin: 'http://localhost:5173' } });
    expect(headers['access-control-allow-origin']).toBe('http://localhost:5173');
    expect(headers['access-control-expose-headers']).toMatch(
      /ETag.*Retry-After.*RateLimit-Policy.*Idempotency-Replayed/,
    );
    expect(headers.vary).toMatch(/origin/i);
  });

  it.each(['https://evil.example', 'https://app.example.com.evil.example', 'null', 'https://app.example.com:444'])(
    'such as %s get no header that would let them read anything',
    async (origin) => {
      for (const answer of [
        await preflight(origin),
        await service.app.inject({ url: '/healthz', headers: { origin } }),
      ])
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    },
  );

  it('are all foreign where none is listed', async () => {
    const closed = await service.another({ CORS_ORIGINS: '' });
    const headers = { origin: 'https://app.example.com' };
    const answer = await closed.app.inject({ url: '/healthz', headers });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('forwarded headers', () => {
  const forwarded = {
    'x-forwarded-for': '198.51.100.7',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    forwarded: 'for=198.51.100.7;host=evil.example',
    host: 'accounts.example.com',
  };
  const addressOf = async (on: TestApp, remoteAddress: string) =>
    (await on.app.inject({ url: '/v1/test/address', headers: forwarded, remoteAddress })).json();

  it('count for nothing from whom nobody trusts', async () => {
    const real = { ip: '203.0.113.9', host: 'accounts.example.com', protocol: 'http' };
    expect(await addressOf(service, '203.0.113.9')).toEqual(real);
  });

  it('count from a trusted proxy, and from no other', async () => {
    const behind = await service.another({ TRUSTED_PROXIES: '10.0.0.0/8' });
    expect(await addressOf(behind, '10.1.2.3')).toMatchObject({ ip: '198.51.100.7', protocol: 'https' });
    expect(await addressOf(behind, '203.0.113.9')).toMatchObject({ ip: '203.0.113.9', protocol: 'http' });
  });

  it('are taken from the right: what a client wrote in front of its own address is not believed', async () => {
    const behind = await service.another({ TRUSTED_PROXIES: '10.0.0.0/8' });
    const headers = { 'x-forwarded-for': '192.0.2.1, 198.51.100.7' };
    const response = await behind.app.inject({ url: '/v1/test/address', headers, remoteAddress: '10.1.2.3' });
    expect(response.json()).toMatchObject({ ip: '198.51.100.7' });
  });
});

describe('a lagging event loop', () => {
  it('turns requests away with Retry-After, but not health checks, and recovers', async () => {
    const strained = await service.another({ MAX_EVENT_LOOP_DELAY_MS: '20' });
    const status = async (url: string) => (await strained.app.inject(url)).statusCode;
    await until('requests are turned away', async () => {
      blockFor(150);
      await pause(1);
      return (await status('/problems')) === 503;
    });
    const refused = await strained.app.inject('/problems');
    expect(refused.json()).toMatchObject({ code: 'overloaded' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await status('/healthz')).toBe(200);
    await until('requests are taken again', async () => (await status('/problems')) === 200);
  });

  it('is no reason to turn the first requests away: loading the program holds it up as well', async () => {
    const fresh = await service.another({ MAX_EVENT_LOOP_DELAY_MS: '1' });
    const port = await listen(fresh.app);
    blockFor(1_100);
    expect((await fetch(`http://127.0.0.1:${port}/problems`)).status).toBe(200);
  });
});

function blockFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
