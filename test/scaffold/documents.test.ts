import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { documentOf, join, teamOf } from '../helpers/documents.ts';
import { person } from '../helpers/people.ts';

// What the tests of scaffolded collections make their parents by.

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

it('a document to refer to is there, with all that it refers to itself', async () => {
  const ada = await person(service);
  expect(await documentOf('User', ada)).toBe(ada.id);
  const team = await documentOf('Team', ada);
  expect((await ada.call('GET', `/v1/teams/${team}`)).statusCode).toBe(200);
});

it('a document of a team is seen by its members, and by nobody else', async () => {
  const [ada, bob, eve] = [await person(service), await person(service), await person(service)];
  const team = await teamOf(ada);
  await join(team, bob, 'admin');
  const url = `/v1/teams/${team}/members`;
  expect((await bob.call('GET', url)).json().items).toHaveLength(2);
  expect((await eve.call('GET', url)).statusCode).toBe(404);
});
