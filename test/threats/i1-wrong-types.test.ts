// I1: an object, array, number or null where text belongs. Elsewhere `{"$ne": null}` for a password or a token became a
// query operator and matched somebody else's account. Here it is 400, before anything is asked of the database: all
// that may have happened is that a session was read and the request counted.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { withCommands } from '../helpers/commands.ts';
import { attempt, beforeValidation, type Operation, operationsOf, takesBody } from '../helpers/operations.ts';
import { call, type Person, person } from '../helpers/people.ts';

const WRONG = [{ $ne: null }, {}, ['a text'], [], 42, true];
const NO_OBJECT = [[{}], 'text', 42, null];

let service: TestApp;
let admin: Person;
let operations: Operation[];
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service);
});
afterAll(() => service.close());

async function expectRefusal(operation: Operation, body: unknown, options: { query?: Record<string, string[]> } = {}) {
  const { result, sent } = await withCommands(() => attempt(service, operation, admin, body, options));
  const what = `${operation.name} ${JSON.stringify(body ?? options)}`;
  expect([result.statusCode, result.json().code], what).toEqual([400, 'validation-failed']);
  expect(
    sent.map(({ name }) => name),
    what,
  ).toEqual(beforeValidation(operation));
  return result.json().errors as { pointer: string; code: string }[];
}

describe('a value that is no text', () => {
  it('is refused in every field of every body', async () => {
    let fields = 0;
    for (const operation of operations)
      for (const place of operation.textPlaces) {
        fields += 1;
        for (const value of [...WRONG, ...(place.removable ? [] : [null])]) {
          const errors = await expectRefusal(operation, place.with(value));
          const found = errors.some(({ pointer }) => pointer.startsWith(place.pointer));
          expect(found, `${operation.name} ${place.pointer} ${JSON.stringify(value)}`).toBe(true);
        }
      }
    expect(fields).toBeGreaterThanOrEqual(18);
  });

  it('is refused in the place of a whole body', async () => {
    for (const operation of operations.filter(takesBody))
      for (const body of NO_OBJECT) await expectRefusal(operation, body);
  });

  it('is refused in every parameter of every query', async () => {
    for (const operation of operations)
      for (const name of operation.queryParameters) {
        await expectRefusal(operation, undefined, { query: { [name]: ['1', '2'] } });
        for (const spelling of [`${name}[$ne]`, `${name}[]`, `${name}[0]`, `${name}.$ne`])
          await expectRefusal(operation, undefined, { query: { [spelling]: ['1'] } });
      }
  });

  it('is refused in the place of an id', async () => {
    for (const operation of operations.filter(({ name }) => name.includes('{id}')))
      for (const id of ['[object%20Object]', '%7B%22$ne%22:null%7D', '42', 'null', 'ABCDEF012345678901234567'])
        await expectRefusal({ ...operation, url: operation.url.replace(/0{24}/, id) }, operation.body);
  });
});

it('names no account to whoever signs in with operators', async () => {
  const response = await call(service, 'POST', '/v1/sessions', { email: { $gt: '' }, password: { $gt: '' } });
  expect(response.statusCode).toBe(400);
  expect(response.body).not.toContain(admin.email);
});
