import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, loggedError } from '../../src/logging.ts';
import { loggedUrl } from '../../src/plugins/request-context.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const lineOf = (id: unknown) => service.logged().find((line) => line['requestId'] === id && line['msg'] === 'request');

describe('the id of a request', () => {
  it('is the client’s, if it is well-formed', async () => {
    const response = await service.app.inject({ url: '/problems', headers: { 'x-request-id': 'Trace-0042.a_b' } });
    expect(response.headers['x-request-id']).toBe('Trace-0042.a_b');
    expect(lineOf('Trace-0042.a_b')).toMatchObject({ method: 'GET', url: '/problems', status: 200 });
  });

  it.each(['short', 'x'.repeat(65), 'with space 1', 'line\tbreak', '<script>1', 'ümlaut-123'])(
    'is made where it is «%s»',
    async (given) => {
      const response = await service.app.inject({ url: '/healthz', headers: { 'x-request-id': given } });
      expect(response.headers['x-request-id']).toMatch(UUID);
    },
  );

  it.each(['/nowhere', '/v1/users/%ZZ', '/v1/users/me'])(
    'is on the error that %s answers, and in its log line',
    async (url) => {
      const response = await service.app.inject(url);
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
      const id = response.headers['x-request-id'];
      expect(response.json().requestId).toBe(id);
      expect(lineOf(id)).toMatchObject({ status: response.statusCode, code: response.json().code });
    },
  );
});

describe('a log line', () => {
  it('holds nothing of body, headers or query but what is listed', async () => {
    await service.app.inject({
      method: 'POST',
      url: '/v1/sessions?token=canary-query',
      headers: { authorization: 'Bearer canary-header', cookie: 'a=canary-cookie', 'user-agent': 'canary-agent' },
      payload: { email: 'canary@example.com', password: 'canary-password' },
    });
    await service.app.inject('/nowhere?email=canary-address&limit=7');
    expect(service.log()).not.toContain('canary');
    expect(service.log()).toContain('limit=7');
  });

  it('drops fields that nobody listed, and messages that may quote a person', () => {
    const lines: string[] = [];
    const log = createLogger({ LOG_LEVEL: 'info' }, { write: (line) => void lines.push(line) });
    log.info({ email: 'canary@example.com', body: { password: 'canary' }, status: 200 }, 'something');
    log.error(new Error('canary of a duplicate key'), 'failed');
    expect(lines.join('')).not.toContain('canary');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { status: 200, msg: 'something' },
      { err: { type: 'Error' } },
    ]);
  });

  it('is one line, whatever stands in it', () => {
    const lines: string[] = [];
    const log = createLogger({ LOG_LEVEL: 'info' }, { write: (line) => void lines.push(line) });
    log.info({ url: '/a\n{"level":"fatal"}\r\n\u2028' }, 'first\nsecond');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/);
  });

  it('follows causes, but not for ever', () => {
    const error = new Error('x');
    error.cause = error;
    expect(JSON.stringify(loggedError(error)).match(/"type"/g)).toHaveLength(6);
    expect(loggedError('thrown text')).toEqual({ type: 'string' });
  });

  it('is not written for a health check that is well', async () => {
    const { headers } = await service.app.inject('/healthz');
    expect(lineOf(headers['x-request-id'])).toBeUndefined();
  });

  it.each([
    ['/a', '/a'],
    ['/a?limit=5&q=secret&sort=-createdAt', '/a?limit=5&q=…&sort=-createdAt'],
    ['/a?secret', '/a?secret=…'],
    ['/a?x=1?limit=2', '/a?x=…'],
  ])('shows %s as %s', (url, shown) => {
    expect(loggedUrl(url)).toBe(shown);
  });
});
