import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from './helpers/app.ts';
import { type Person, person } from './helpers/people.ts';
import { checkMigrations } from '../src/schema-check/check.ts';
import mongoose from 'mongoose';

let service: TestApp; let ada: Person; let bob: Person; let admin: Person;
beforeAll(async () => { service = await buildTestApp(); [ada, bob, admin] = [await person(service), await person(service), await person(service, { roles: ['admin'] })]; });
afterAll(() => service.close());
it('agrees', async () => {
  expect(await checkMigrations(mongoose.connection.getClient() as never, mongoose.connection.name)).toEqual([]);
});
it('works', async () => {
  const made = await ada.call('POST', '/v1/teams', { name: 'A' });
  console.log(made.statusCode, made.headers, made.body);
  const { id } = made.json();
  for (const who of [ada, bob]) for (const url of ['/v1/teams', `/v1/teams/${id}`, `/v1/teams/${id}/members?include=user`, `/v1/teams/${id}/invitations`]) {
    const r = await who.call('GET', url); console.log(url, r.statusCode, r.body);
  }
  const inv = await ada.call('POST', `/v1/teams/${id}/invitations`, { email: bob.email, role: 'member' });
  console.log(inv.statusCode, inv.body);
  console.log((await ada.call('PATCH', `/v1/teams/${id}`, { name: 'B' })).body);
  console.log((await bob.call('PATCH', `/v1/teams/${id}`, { name: 'B' })).body);
  console.log((await admin.call('GET', `/v1/admin/teams`)).body);
  console.log((await ada.call('POST', `/v1/teams/${id}/leave`)).body);
  console.log((await ada.call('DELETE', `/v1/teams/${id}`)).body);
  console.log((await admin.call('GET', `/v1/admin/teams?deleted=true&total=true`)).body);
  console.log((await admin.call('POST', `/v1/admin/teams/${id}/restore`)).body);
  console.log((await ada.call('GET', `/v1/teams/${id}/members`)).body);
});
