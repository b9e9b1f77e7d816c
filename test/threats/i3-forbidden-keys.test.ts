// I3: `__proto__`, `constructor`, `$…` and dotted keys. Elsewhere a merge of such a body changed the prototype of every
// object in the process, and a stored `$…` or dotted key was an operator or a path when it was read back. Here they are
// refused at any depth, before the database is asked anything, also where a schema leaves the keys to the client.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { withCommands } from '../helpers/commands.ts';
import { beforeValidation, type Operation, operationsOf, takesBody } from '../helpers/operations.ts';
import { type Person, person } from '../helpers/people.ts';

const KEYS = ['__proto__', 'constructor', 'prototype', '$where', 'a.b'];

/** As text, since in an object literal `__proto__` is no key. */
const member = (key: string): string => `"${key}":{"polluted":true}`;

/** The same key to a parser, another to whoever searches the text for it. */
const escaped = (key: string): string =>
  [...key].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** A body with the key at its top, and at several depths of an object whose keys are the client's. */
function placesOf(body: Record<string, unknown>, key: string): string[] {
  const text = JSON.stringify(body).slice(0, -1);
  return [
    `${text},${member(key)}}`,
    `${text},${member(escaped(key))}}`,
    `${text},"metadata":{${member(key)}}}`,
    `${text},"metadata":{"a":[{"b":{${member(key)}}}]}}`,
  ];
}

let service: TestApp;
let admin: Person;
let operations: (Operation & { body: Record<string, unknown> })[];
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
  operations = operationsOf(service).filter(takesBody);
});
afterAll(() => service.close());

async function send({ method, url, signedIn }: Operation, payload: string) {
  const headers = { 'content-type': 'application/json', ...(signedIn && admin.headers) };
  return withCommands(() => service.app.inject({ method, url, payload, headers }));
}

const propertiesOf = (object: object): string => Object.getOwnPropertyNames(object).sort().join();

describe('a key that means something to JavaScript or to the database', () => {
  it('is refused at every depth of every body, with all prototypes as they were', async () => {
    const before = [Object.prototype, Array.prototype, Function.prototype].map(propertiesOf);
    for (const operation of operations)
      for (const key of KEYS)
        for (const payload of placesOf(operation.body, key)) {
          const { result, sent } = await send(operation, payload);
          const what = `${operation.name} ${payload}`;
          expect([result.statusCode, result.json().code], what).toEqual([400, 'validation-failed']);
          expect(result.json().errors, what).toContainEqual(expect.objectContaining({ code: 'forbidden-key' }));
          expect(
            sent.map(({ name }) => name),
            what,
          ).toEqual(beforeValidation(operation));
        }
    expect([Object.prototype, Array.prototype, Function.prototype].map(propertiesOf)).toEqual(before);
    expect({}).not.toHaveProperty('polluted');
  }, 60_000);

  it('is refused in a query', async () => {
    for (const key of KEYS)
      for (const name of [key, `${key}[polluted]`, `a[${key}]`, `status[${key}]`]) {
        const response = await admin.call('GET', `/v1/admin/users?${encodeURIComponent(name)}=1`);
        expect(response.statusCode, name).toBe(400);
      }
    expect({}).not.toHaveProperty('polluted');
  });

  it('is an ordinary word as a value', async () => {
    const firstName = '$where constructor.prototype';
    const metadata = { words: ['__proto__', '$ne', 'a.b'] };
    const response = await admin.call('PATCH', '/v1/users/me', { firstName, metadata });
    expect(response.json()).toMatchObject({ firstName, metadata });
    expect(await User.findById(admin.id).lean()).toMatchObject({ firstName, metadata });
  });
});
