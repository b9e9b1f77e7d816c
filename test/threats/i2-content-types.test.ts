// I2: validation that depends on how a Content-Type is spelt. Elsewhere a space, a tab, another case or a parameter
// after the type chose the parser but not the validator, and a body went through unchecked. Here every spelling is
// validated alike, or 415.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Operation, operationsOf, takesBody } from '../helpers/operations.ts';
import { freshEmail, PASSWORD, type Person, person } from '../helpers/people.ts';

/** All of them say JSON, which is UTF-8. */
const TAKEN = [
  'application/json',
  'APPLICATION/JSON',
  'Application/Json',
  'application/json;charset=utf-8',
  'application/json; charset=UTF-8',
  'application/json; charset="utf-8"',
];

/** Either taken or refused, as long as what is taken is validated. */
const ODD = [
  ' application/json',
  'application/json ',
  'application/json ; charset=utf-8',
  'application/json;',
  'application/json\t',
  'application/json\t; charset=utf-8',
  'application/json;\tcharset=utf-8',
  '\tapplication/json',
];

const REFUSED = [
  undefined,
  '',
  'text/plain',
  'text/json',
  'text/html',
  'application/jsonp',
  'application/json5',
  'application/xml',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/merge-patch+json',
  'application/vnd.api+json',
  'application/json, text/plain',
  'text/plain; application/json',
  'text/plain application/json',
  'application/json text/plain',
  'application/json; charset=latin1',
  'application/json; charset=utf-16',
  'application/json; charset=utf-8; charset=latin1',
  'application/json/extra',
  'json',
  '*/*',
];

let service: TestApp;
let admin: Person;
let operations: (Operation & { body: Record<string, unknown> })[];
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service).filter(takesBody);
});
afterAll(() => service.close());

async function send({ method, url, signedIn }: Operation, payload: string, contentType: string | undefined) {
  const headers = { ...(signedIn && admin.headers), ...(contentType !== undefined && { 'content-type': contentType }) };
  const response = await service.app.inject({ method, url, payload, headers });
  const { code, errors } = response.json();
  return { status: response.statusCode, code, errors };
}

describe('a body that no schema allows', () => {
  const invalid = (body: Record<string, unknown>) => JSON.stringify({ ...body, admin: true });

  it('is told the same under every spelling of JSON', async () => {
    for (const operation of operations) {
      const [first, ...others] = await Promise.all(
        TAKEN.map((contentType) => send(operation, invalid(operation.body), contentType)),
      );
      expect(first).toMatchObject({
        status: 400,
        code: 'validation-failed',
        errors: [{ pointer: '/admin', code: 'unknown-property' }],
      });
      for (const other of others) expect(other, operation.name).toEqual(first);
    }
  });

  it('is not let in by an odd spelling', async () => {
    for (const operation of operations)
      for (const contentType of ODD) {
        const { code } = await send(operation, invalid(operation.body), contentType);
        const what = `${operation.name} ${JSON.stringify(contentType)}`;
        expect(code, what).toBeOneOf(['validation-failed', 'unsupported-media-type']);
      }
  });
});

describe('a body that the schema allows', () => {
  it('is refused as anything but JSON, whatever it holds', async () => {
    for (const operation of operations)
      for (const contentType of REFUSED) {
        const { status, code } = await send(operation, JSON.stringify(operation.body), contentType);
        const what = `${operation.name} ${JSON.stringify(contentType)}`;
        expect([status, code], what).toEqual([415, 'unsupported-media-type']);
      }
    expect(await User.countDocuments()).toBe(1);
  });

  it('is taken as JSON, however that is spelt', async () => {
    for (const contentType of TAKEN) {
      const payload = JSON.stringify({ email: freshEmail(), password: PASSWORD });
      const headers = { 'content-type': contentType };
      const response = await service.app.inject({ method: 'POST', url: '/v1/users', payload, headers });
      expect(response.statusCode, contentType).toBe(201);
    }
  });
});

it('refuses a body where a route takes none', async () => {
  for (const operation of operationsOf(service).filter(({ method, body }) => method === 'DELETE' && !body)) {
    const { status } = await send(operation, '{"everything":true}', 'application/json');
    expect(status, operation.name).toBe(400);
    expect((await send(operation, 'everything', 'text/plain')).status, operation.name).toBe(415);
  }
  expect((await admin.call('GET', '/v1/users/me')).statusCode).toBe(200);
});
