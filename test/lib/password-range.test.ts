import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { isBreached, PasswordRangeError } from '../../src/lib/password-range.ts';
import { type RangeService, startRangeService } from '../helpers/range-service.ts';
import { until } from '../helpers/until.ts';

const PASSWORD = 'correct horse battery staple';
const HASH = createHash('sha1').update(PASSWORD).digest('hex').toUpperCase();

let service: RangeService;
beforeAll(async () => {
  service = await startRangeService();
});
beforeEach(() => {
  service.asked.length = 0;
  service.answer = undefined;
});
afterAll(() => service.close());

const ask = (password = PASSWORD, timeoutMs = 5_000) => isBreached(password, { url: service.url, timeoutMs });
const text = (body: string) => (response: ServerResponse) => void response.writeHead(200).end(body);

describe('a service of breached passwords', () => {
  it('is sent the first five digits of the hash and nothing else', async () => {
    expect(await ask()).toBe(false);
    expect(service.asked).toHaveLength(1);
    const [request] = service.asked;
    expect([request?.method, request?.url]).toEqual(['GET', `/range/${HASH.slice(0, 5)}`]);
    expect(request?.headers['add-padding']).toBe('true');
    expect(JSON.stringify(request?.rawHeaders)).not.toContain(HASH.slice(5));
  });

  it('knows a password, in either spelling of its marks', async () => {
    service.know('crème brûlée at midnight'.normalize('NFC'));
    expect(await ask('crème brûlée at midnight'.normalize('NFC'))).toBe(true);
    expect(await ask('crème brûlée at midnight'.normalize('NFD'))).toBe(true);
    expect(await ask('crème brûlée at noon')).toBe(false);
  });

  it('may write hashes small, and ends lines as it likes', async () => {
    service.answer = text(`${'0'.repeat(35)}:1\n${HASH.slice(5).toLowerCase()}:2\n`);
    expect(await ask()).toBe(true);
  });

  it('pads its answer with lines that count nothing', async () => {
    service.answer = text(`${HASH.slice(5)}:0\r\n`);
    expect(await ask()).toBe(false);
  });

  it('may know no hash of the range', async () => {
    service.answer = text('');
    expect(await ask()).toBe(false);
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['fails', (response) => void response.writeHead(500).end('oh no'), /has the status 500/],
    ['knows of no ranges', (response) => void response.writeHead(404).end(), /has the status 404/],
    ['answers with a page', text('<!doctype html><title>Welcome</title>'), /is not a list/],
    ['cuts a line short', text(`${HASH.slice(5)}:1\r\n${HASH.slice(5, 20)}`), /is not a list/],
    ['never ends', (response) => endless(response), /is larger than 262144 bytes/],
  ])('that %s is not believed', async (_, answer, message) => {
    service.answer = answer;
    const error = await ask().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PasswordRangeError);
    expect((error as Error).message).toMatch(message);
  });

  it('is left when it is slow, before its answer and in the middle of it', async () => {
    let cut = 0;
    const counted = (response: ServerResponse) => void response.on('close', () => (cut += 1));
    service.answer = counted;
    await expect(ask(PASSWORD, 50)).rejects.toMatchObject({ name: 'TimeoutError' });
    service.answer = (response) => {
      counted(response);
      response.writeHead(200).write(`${HASH.slice(5)}:1\r\n`);
    };
    await expect(ask(PASSWORD, 50)).rejects.toMatchObject({ name: 'TimeoutError' });
    await until('both connections are cut', () => cut === 2);
  });

  it('sends nobody elsewhere', async () => {
    service.answer = (response) => void response.writeHead(302, { location: `${service.url}AAAAA` }).end();
    await expect(ask()).rejects.toThrow();
    expect(service.asked).toHaveLength(1);
  });
});

/** Lines upon lines, until the connection is cut. */
function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(`${'0'.repeat(35)}:1\r\n`.repeat(1_000)));
  };
  response.writeHead(200).on('drain', more);
  more();
}

describe('PASSWORD_RANGE_CHECK_URL', () => {
  const configured = (url: string) => loadConfig({ NODE_ENV: 'test', PASSWORD_RANGE_CHECK_URL: url });

  it('is none unless one is given', () => {
    const config = loadConfig({ NODE_ENV: 'test' });
    expect(config.PASSWORD_RANGE_CHECK_URL).toBeUndefined();
    expect(config.PASSWORD_RANGE_CHECK_TIMEOUT_MS).toBe(1_000);
    expect(configured('').PASSWORD_RANGE_CHECK_URL).toBeUndefined();
  });

  it('is something that the digits can be appended to', () => {
    expect(configured('https://host.example/range/').PASSWORD_RANGE_CHECK_URL).toBe('https://host.example/range/');
    expect(configured('http://host.example:8080/range').PASSWORD_RANGE_CHECK_URL).toBe(
      'http://host.example:8080/range/',
    );
  });

  it.each([
    'host.example/range/',
    'ftp://host.example/range/',
    'https://',
    'https://host example/',
    'https://host.example/range/?key=s3cret',
    'https://ada:s3cret@host.example/range/',
    'https://host.example/range/#s3cret',
  ])('is not %s', (url) => {
    expect(() => configured(url)).toThrow(ConfigError);
    expect(() => configured(url)).not.toThrow(/s3cret/);
  });

  it('waits for a bounded time', () => {
    for (const ms of ['0', '10001', 'long'])
      expect(() => loadConfig({ NODE_ENV: 'test', PASSWORD_RANGE_CHECK_TIMEOUT_MS: ms })).toThrow(ConfigError);
  });
});
