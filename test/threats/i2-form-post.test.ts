// I2, for the one route that takes a form. Elsewhere a form was read as JSON was, or JSON as a form, a field that came
// twice was checked as one value and used as another, and every route took forms, so that any page could send one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestApp } from '../helpers/app.ts';
import { type IdentityService, startIdentityService } from '../helpers/identities.ts';
import { operationsOf } from '../helpers/operations.ts';

const FORM = 'application/x-www-form-urlencoded';

let running: IdentityService;
let service: TestApp;
beforeAll(async () => {
  running = await startIdentityService();
  ({ service } = running);
});
afterAll(() => running.close());

async function post(payload: string | Buffer, contentType: string | null = FORM) {
  const url = '/v1/identities/local/callback';
  const headers = contentType === null ? {} : { 'content-type': contentType };
  const response = await service.app.inject({ method: 'POST', url, payload, headers });
  return [response.statusCode, response.json().code];
}

it('no other operation takes a form', async () => {
  const { paths } = service.app.swagger() as { paths: Record<string, Record<string, { requestBody?: object }>> };
  const forms = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) =>
      JSON.stringify(requestBody ?? {}).includes(FORM) ? [`${method.toUpperCase()} ${path}`] : [],
    ),
  );
  expect(forms).toEqual(['POST /v1/identities/{provider}/callback']);
  for (const { method, url, name } of operationsOf(service).filter((each) => each.body !== undefined)) {
    const headers = { 'content-type': FORM };
    const { statusCode } = await service.app.inject({ method, url, payload: 'state=x', headers });
    expect(statusCode, name).toBeOneOf([401, 415]);
  }
});

describe('the callback', () => {
  it.each([FORM, FORM.toUpperCase(), `${FORM};charset=utf-8`, `${FORM}; charset=UTF-8`])('reads %s', async (type) => {
    expect(await post('state=unknown&code=x', type)).toEqual([401, 'invalid-state']);
    expect(await post('code=x', type)).toEqual([400, 'validation-failed']);
  });

  it.each([
    null,
    '',
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    `${FORM}; charset=latin1`,
    `${FORM}, application/json`,
    `${FORM}x`,
    `text/plain; ${FORM}`,
  ])('refuses %s', async (type) => {
    expect(await post('state=unknown&code=x', type)).toEqual([415, 'unsupported-media-type']);
    expect(await post('{"state":"unknown"}', type)).toEqual([415, 'unsupported-media-type']);
  });

  it.each([
    ['a field twice', 'state=a&state=b'],
    ['another field twice', 'state=a&user=b&user=c'],
    ['an empty state', 'state='],
    ['a state in an array', 'state[]=a'],
    ['a state in an object', 'state[$ne]=a'],
    ['a key of a prototype', 'state=a&__proto__=b'],
    ['a key of an operator', 'state=a&$where=b'],
    ['a dotted key', 'state=a&a.b=c'],
    ['a state without end', `state=${'a'.repeat(129)}`],
    ['a field without end', `state=a&more=${'a'.repeat(8193)}`],
    ['very many fields', Array.from({ length: 3000 }, (_, index) => `f${index}=1`).join('&')],
    ['nothing', ' '],
    ['no form', '{"state":"a"}'],
    ['what is not UTF-8', Buffer.from([0x73, 0x3d, 0xff])],
  ])('refuses %s', async (_what, payload) => {
    expect(await post(payload)).toEqual([400, 'validation-failed']);
  });

  it('refuses a form that is larger than a body may be', async () => {
    expect(await post(`state=${'a'.repeat(70_000)}`)).toEqual([413, 'payload-too-large']);
  });

  it('takes parameters that it does not know, as OAuth asks', async () => {
    expect(await post('state=unknown&code=x&session_state=y&scope=openid%20email')).toEqual([401, 'invalid-state']);
  });
});
