// I8: requests that are made to be expensive or ambiguous. Elsewhere deep nesting overflowed the stack, a huge body or
// header filled the memory, half a surrogate pair broke a driver, a repeated parameter became an array where text was
// expected, `constructor` was found where an id was looked up, and two lengths of one body smuggled in a second request.
// Here each of them is a 4xx, within 100 ms.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { listen } from '../helpers/listen.ts';
import { attempt, type Operation, operationsOf, takesBody } from '../helpers/operations.ts';
import { call, type Person, person } from '../helpers/people.ts';
import { quickest } from '../helpers/quickest.ts';
import { type RawResponse, sendRaw } from '../helpers/raw-http.ts';

const BOUND_MS = 100;
const PROTOTYPE_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
];

let service: TestApp;
let admin: Person;
let operations: Operation[];
let port: number;
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service);
  port = await listen(service.app);
});
afterAll(() => service.close());

interface Answer {
  readonly statusCode: number;
  readonly body: string;
}

/** @throws when it is no 4xx of ours, or never quick */
async function expectRefusal(what: string, send: () => Promise<Answer>, codes: readonly string[]): Promise<void> {
  const ms = await quickest(BOUND_MS, async () => {
    const { statusCode, body } = await send();
    expect([Math.floor(statusCode / 100), body], what).toEqual([4, expect.stringMatching(/^\{/)]);
    const problem = JSON.parse(body);
    expect(problem, what).toMatchObject({ status: statusCode, requestId: expect.stringMatching(/./) });
    const found: string[] = [problem, ...(problem.errors ?? [])].map(({ code }) => code);
    expect(
      found.some((code) => codes.includes(code)),
      `${what}: ${found}`,
    ).toBe(true);
    expect(body.length, what).toBeLessThan(20_000);
  });
  expect(ms, what).toBeLessThan(BOUND_MS);
}

describe('a body', () => {
  const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
  const bodies: [name: string, payload: string | Buffer, codes: string[]][] = [
    ['of deeply nested arrays', nested('[', ']', 30_000), ['too-deep']],
    ['of deeply nested objects', `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`, ['too-deep']],
    ['of nested arrays without end', '['.repeat(60_000), ['invalid-json']],
    ['of an endless text', `"${'a'.repeat(60_000)}`, ['invalid-json']],
    ['of very many values', `[${'0,'.repeat(30_000)}0]`, ['too-many']],
    ['of very many members', `{${Array.from({ length: 5_000 }, (_, n) => `"k${n}":0`).join()}}`, ['too-many']],
    ['of a huge number', `{"email":${'9'.repeat(60_000)}}`, ['validation-failed']],
    ['above the limit', `{"email":"${'a'.repeat(70_000)}"}`, ['payload-too-large']],
    ['that is empty', '', ['invalid-json', 'validation-failed', 'unsupported-media-type']],
    ['of nothing but blanks', ' '.repeat(60_000), ['invalid-json']],
    ['that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), ['invalid-json']],
    ['with an overlong UTF-8 sequence', Buffer.from([0x22, 0xc0, 0x80, 0x22]), ['invalid-json']],
    ['with a byte order mark', '\uFEFF{}', ['invalid-json']],
    ['with a null character', '{"email":"\0"}', ['invalid-json']],
    ['with a lone surrogate as a key', '{"\\ud800":1}', ['lone-surrogate']],
  ];

  it.each(bodies)('%s is refused by every route', async (name, payload, codes) => {
    for (const { method, url, signedIn, name: operation } of operations.filter(takesBody)) {
      const headers = { 'content-type': 'application/json', ...(signedIn && admin.headers) };
      const send = () => service.app.inject({ method, url, payload, headers });
      await expectRefusal(`${operation} with a body ${name}`, send, codes);
    }
  });

  it('with half of a surrogate pair is refused, in every field', async () => {
    for (const operation of operations)
      for (const place of operation.textPlaces)
        for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800', `${'x'.repeat(40)}\udfff`]) {
          const send = () => attempt(service, operation, admin, place.with(text));
          await expectRefusal(`${operation.name} ${place.pointer}`, send, ['lone-surrogate']);
        }
  });
});

describe('a URL', () => {
  it('with a name of a prototype in the place of an id finds nothing', async () => {
    const withId = operations.filter(({ name }) => name.includes('{id}'));
    expect(withId.length).toBeGreaterThanOrEqual(7);
    for (const name of PROTOTYPE_NAMES) {
      for (const operation of withId) {
        const url = operation.url.replace(/0{24}/, name);
        const send = () => attempt(service, { ...operation, url }, admin, operation.body);
        await expectRefusal(`${operation.method} ${url}`, send, ['validation-failed']);
      }
      for (const path of [`/problems/${name}`, `/v1/${name}`, `/${name}`])
        await expectRefusal(path, () => call(service, 'GET', path), ['not-found']);
    }
  });

  const urls = [
    '/v1/admin/users/%ED%A0%80',
    '/v1/admin/users/%C0%80',
    '/v1/admin/users/%00',
    '/v1/admin/users/%',
    '/v1/admin/users/%zz',
    `/v1/admin/users/${'a'.repeat(101)}`,
    `/v1/admin/users/${'%61'.repeat(2_000)}`,
    `/v1/admin/users/${'0'.repeat(24)}/..%2f..%2fme`,
    '/v1/admin/users?limit=1&limit=2',
    '/v1/admin/users?status=active&status=deleted',
    '/v1/admin/users?q=a&q=b',
    '/v1/admin/users?limit=1e9',
    '/v1/admin/users?limit=-1',
    '/v1/admin/users?limit=NaN',
    '/v1/admin/users?limit=',
    '/v1/admin/users?createdAfter=9999999999999-01-01T00:00:00Z',
    '/v1/admin/users?createdAfter=yesterday',
    `/v1/admin/users?cursor=${'A'.repeat(1_025)}`,
    `/v1/admin/users?cursor=${encodeURIComponent('ü'.repeat(100))}`,
    `/v1/admin/users?${Array.from({ length: 2_000 }, (_, n) => `k${n}=1`).join('&')}`,
    `/v1/admin/users?${'q=1&'.repeat(2_000)}`,
    `/v1/admin/users?${'a'.repeat(8_000)}=1`,
    `/v1/${'a/'.repeat(4_000)}`,
  ];
  it.each(urls.map((url) => [url.slice(0, 60), url]))('such as %s is refused', async (name, url) => {
    const codes = ['malformed-request', 'validation-failed', 'invalid-cursor', 'not-found', 'uri-too-long'];
    await expectRefusal(name, () => admin.call('GET', url), codes);
  });

  it('with half of a surrogate pair in its search finds nothing', async () => {
    const response = await admin.call('GET', '/v1/admin/users?q=%ED%A0%80');
    expect(response.json().items ?? []).toEqual([]);
    expect(response.statusCode).toBeLessThan(500);
  });
});

describe('over a plain connection,', () => {
  const HEAD = 'Host: localhost\r\nContent-Type: application/json\r\n';
  const post = (headers: string, body = '') => `POST /v1/sessions HTTP/1.1\r\n${HEAD}${headers}\r\n${body}`;
  const get = (headers: string) => `GET /healthz HTTP/1.1\r\n${headers}\r\n`;
  const SMUGGLED = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

  const requests: [name: string, bytes: string, codes: string[]][] = [
    ['garbage', 'what is this\r\n\r\n', ['malformed-request']],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', ['malformed-request']],
    ['an unknown method', 'BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n', ['malformed-request']],
    ['an unknown version', 'GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n', ['malformed-request']],
    ['a huge header', get(`Host: localhost\r\nX-Big: ${'a'.repeat(20_000)}\r\n`), ['headers-too-large']],
    ['very many headers', get(`Host: localhost\r\n${'X-Some: thing\r\n'.repeat(2_000)}`), ['headers-too-large']],
    ['a huge URL', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, ['headers-too-large']],
    ['a control character in a header', get('Host: localhost\r\nX-Odd: a\x01b\r\n'), ['malformed-request']],
    ['a header name with a space', get('Host: localhost\r\nX Odd: a\r\n'), ['malformed-request']],
    ['a length that is no number', post('Content-Length: 1x\r\n', '{}'), ['malformed-request']],
    ['a negative length', post('Content-Length: -1\r\n', '{}'), ['malformed-request']],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 90\r\n', `{}${SMUGGLED}`), ['malformed-request']],
    [
      'a length beside chunks',
      post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`),
      ['malformed-request'],
    ],
    [
      'an encoding after chunks',
      post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${SMUGGLED}`),
      ['malformed-request'],
    ],
    ['a chunk of no size', post('Transfer-Encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n'), ['malformed-request']],
    ['a length beyond the limit', post('Content-Length: 99999999999\r\n', '{'), ['payload-too-large']],
    [
      'chunks beyond the limit',
      post('Transfer-Encoding: chunked\r\n', `11170\r\n${'a'.repeat(70_000)}\r\n`),
      ['payload-too-large'],
    ],
  ];
  it.each(requests)('%s is refused', async (name, bytes, codes) => {
    const send = async (): Promise<Answer> => {
      const { status, text } = await sendRaw(port, Buffer.from(bytes, 'latin1'));
      return { statusCode: status, body: text.slice(text.indexOf('\r\n\r\n') + 4) };
    };
    await expectRefusal(name, send, codes);
  });

  it('a second request is never hidden in the body of a first one', async () => {
    const answers: RawResponse[] = [];
    for (const [name, bytes] of requests.filter(([, sent]) => sent.includes(SMUGGLED)))
      answers.push(await sendRaw(port, bytes).catch(() => expect.fail(name)));
    for (const { text } of answers) {
      expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      expect(text).not.toContain('alive');
    }
  });

  it('the service goes on', async () => {
    expect((await sendRaw(port, SMUGGLED)).status).toBe(200);
  });
});
