import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

const Body = Type.Object(
  {
    name: Type.String({ minLength: 2, maxLength: 5 }),
    size: Type.Optional(Type.Integer({ minimum: 1 })),
    colour: Type.Optional(Type.Enum(['red', 'blue'])),
    inner: Type.Optional(Type.Object({ 'a/b~c': Type.String() }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
const Query = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 9, default: 3 }) },
  { additionalProperties: false },
);
const Params = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{4}$' }) });

const config = { access: 'public' } as const;
let handled = 0;
let service: TestApp;

beforeAll(async () => {
  service = await buildTestApp({}, (app: App) => {
    app.post('/v1/test/echo', { config, schema: { body: Body } }, async ({ body }) => {
      handled += 1;
      return body;
    });
    app.post(
      '/v1/test/free',
      { config, schema: { body: Type.Unsafe<object>({ type: 'object' }) } },
      async ({ body }) => body,
    );
    app.post('/v1/test/no-body', { config }, async () => ({ done: true }));
    app.get('/v1/test/page', { config, schema: { querystring: Query } }, async ({ query }) => query);
    app.get('/v1/test/no-query', { config }, async () => ({ done: true }));
    app.get('/v1/test/items/:id', { config, schema: { params: Params } }, async ({ params }) => params);
  });
});
afterAll(() => service.close());

const post = (payload: string | Buffer, contentType: string | undefined = 'application/json', url = '/v1/test/echo') =>
  service.app.inject({ method: 'POST', url, payload, headers: contentType ? { 'content-type': contentType } : {} });

const errorsOf = (response: { json(): { errors?: { pointer: string; code: string }[] } }) =>
  response.json().errors?.map(({ pointer, code }) => [pointer, code]);

describe('a body', () => {
  it('is told everything that is wrong with it at once, each at its place', async () => {
    const response = await post('{"name":"","size":"1","colour":"green","inner":{"x":1,"a/b~c":2},"extra":true}');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'validation-failed' });
    expect(errorsOf(response)?.sort()).toEqual([
      ['/colour', 'not-allowed'],
      ['/extra', 'unknown-property'],
      ['/inner/a~1b~0c', 'invalid-type'],
      ['/inner/x', 'unknown-property'],
      ['/name', 'too-short'],
      ['/size', 'invalid-type'],
    ]);
  });

  it('names what is missing', async () => {
    expect(errorsOf(await post('{}'))).toEqual([['/name', 'required']]);
  });

  it.each(['null', '[]', '"text"', '1', 'true'])('is an object, not %s', async (payload) => {
    expect(errorsOf(await post(payload))).toEqual([['', 'invalid-type']]);
  });

  it.each(['', '{', '{"name":}', '{"name":"abc"} x', 'undefined'])('is JSON, not «%s»', async (payload) => {
    const response = await post(payload);
    expect([response.statusCode, response.json().code]).toEqual([400, 'invalid-json']);
  });

  it('is needed', async () => {
    const response = await service.app.inject({ method: 'POST', url: '/v1/test/echo' });
    expect(errorsOf(response)).toEqual([['', 'invalid-type']]);
  });

  it('is refused where none is taken', async () => {
    for (const body of ['{"a":1}', '[]', 'null', '0', '""'])
      expect((await post(body, 'application/json', '/v1/test/no-body')).statusCode, body).toBe(400);
    // Nothing is said by an empty object, which some clients send with every POST.
    expect((await post('{}', 'application/json', '/v1/test/no-body')).statusCode).toBe(200);
    expect((await service.app.inject({ method: 'POST', url: '/v1/test/no-body' })).statusCode).toBe(200);
  });

  it('is UTF-8: what is not is refused, not replaced', async () => {
    const response = await post(Buffer.from([...Buffer.from('{"name":"ab'), 0xc3, 0x28, ...Buffer.from('"}')]));
    expect([response.statusCode, response.json().code]).toEqual([400, 'invalid-json']);
  });

  it('tells of no more problems than a form has fields', async () => {
    const crowded = JSON.stringify(Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`x${index}`, 1])));
    const response = await post(crowded);
    expect(response.statusCode).toBe(400);
    expect(response.json().errors).toHaveLength(50);
  });

  it('may not be larger than BODY_LIMIT', async () => {
    const response = await post(`{"name":"${'x'.repeat(service.config.BODY_LIMIT)}"}`);
    expect([response.statusCode, response.json().code]).toEqual([413, 'payload-too-large']);
  });
});

describe('the type of a body', () => {
  it.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json;charset=utf-8',
    'Application/Json ; Charset="UTF-8"',
  ])('may be %s, and is validated alike', async (type) => {
    expect((await post('{"name":"abc"}', type)).json()).toEqual({ name: 'abc' });
    expect((await post('{"name":1}', type)).statusCode).toBe(400);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/json, text/plain',
    'application/jsonx',
    'application/merge-patch+json',
    'json',
    '',
  ])('may not be «%s»', async (type) => {
    const before = handled;
    const response = await post('{"name":"abc"}', type);
    expect([response.statusCode, response.json().code]).toEqual([415, 'unsupported-media-type']);
    expect(handled).toBe(before);
  });

  it('must be there', async () => {
    const response = await service.app.inject({ method: 'POST', url: '/v1/test/echo', payload: '{"name":"abc"}' });
    expect(response.statusCode).toBe(415);
  });
});

describe('no body may hold', () => {
  const free = (payload: string) => post(payload, 'application/json', '/v1/test/free');

  it.each([
    ['{"__proto__":{"polluted":1}}', '/__proto__'],
    ['{"a":{"constructor":{"prototype":{"polluted":1}}}}', '/a/constructor'],
    ['{"a":[{"prototype":1}]}', '/a/0/prototype'],
    ['{"a":{"$gt":""}}', '/a/$gt'],
    ['{"a":[[{"b.c":1}]]}', '/a/0/0/b.c'],
  ])('%s', async (payload, pointer) => {
    expect(errorsOf(await free(payload))).toEqual([[pointer, 'forbidden-key']]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(['{"a":"\\ud800"}', '{"a":["x\\udfff"]}', '{"\\ud800":1}'])(
    'half of a surrogate pair: %s',
    async (payload) => {
      expect(errorsOf(await free(payload))?.[0]?.[1]).toBe('lone-surrogate');
    },
  );

  it('more than 32 levels, however they are made', async () => {
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect((await free(nested(32))).statusCode).toBe(200);
    expect(errorsOf(await free(nested(33)))?.[0]?.[1]).toBe('too-deep');
    expect(errorsOf(await free(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`))?.[0]?.[1]).toBe('too-deep');
  });

  it('thousands of values', async () => {
    expect(errorsOf(await free(JSON.stringify({ a: Array.from({ length: 3000 }, () => 0) })))).toEqual([
      ['', 'too-many'],
    ]);
  });
});

describe('a query', () => {
  const page = (query: string) => service.app.inject(`/v1/test/page${query}`);

  it('is read as what its schema says, with its default', async () => {
    expect((await page('?limit=7')).json()).toEqual({ limit: 7 });
    expect((await page('')).json()).toEqual({ limit: 3 });
  });

  it.each([
    ['?limit=x', '?limit', 'invalid-type'],
    ['?limit=10', '?limit', 'out-of-range'],
    ['?limit=1&limit=2', '?limit', 'invalid-type'],
    ['?limit[$gt]=1', '?limit[$gt]', 'unknown-property'],
    ['?__proto__=1', '?__proto__', 'unknown-property'],
    ['?other=1', '?other', 'unknown-property'],
  ])('%s is refused', async (query, pointer, code) => {
    const response = await page(query);
    expect(response.statusCode).toBe(400);
    expect(errorsOf(response)).toEqual([[pointer, code]]);
  });

  it('is refused where none is taken', async () => {
    expect(errorsOf(await service.app.inject('/v1/test/no-query?x=1'))).toEqual([['?x', 'unknown-property']]);
  });
});

describe('a path', () => {
  it.each(['zzzz', '__proto__', 'constructor', 'abc', '12345'])('with %s for an id is refused', async (id) => {
    expect(errorsOf(await service.app.inject(`/v1/test/items/${id}`))).toEqual([[':id', 'invalid-format']]);
  });
});
