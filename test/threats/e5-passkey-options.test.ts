// E5: finding out who has an account by asking for passkey options. Elsewhere an email was sent along, and the options
// named its passkeys, or came only for accounts that have some. Here they take nothing and name nobody, and every
// passkey that is refused is refused alike.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { Device, enrolPasskey, passkeyOptions, passkeySignIn } from '../helpers/factors.ts';
import { outcome } from '../helpers/parallel.ts';
import { call, type Person, person } from '../helpers/people.ts';

const URL = '/v1/sessions/passkey/options';

let service: TestApp;
let admin: Person;
beforeAll(async () => {
  service = await buildTestApp();
  admin = await person(service, { roles: ['admin'] });
});
afterAll(() => service.close());

it('options name no account and no passkey, and differ in their challenge alone', async () => {
  const first = await passkeyOptions(service);
  await enrolPasskey(await person(service), new Device());
  const second = await passkeyOptions(service);
  expect(first).toEqual({
    rpId: 'localhost',
    challenge: expect.stringMatching(/^[\w-]{43}$/),
    timeout: 300_000,
    userVerification: 'required',
  });
  expect({ ...second, challenge: first.challenge }).toEqual(first);
  expect(second.challenge).not.toBe(first.challenge);
});

it('they take no email, neither in the body nor in the query', async () => {
  const { email } = await person(service);
  expect(outcome(await call(service, 'POST', URL, { email }))).toBe('400 validation-failed');
  expect(outcome(await call(service, 'POST', URL, undefined, { query: { email } }))).toBe('400 validation-failed');
});

it('they cost the database the same whoever asks, and read no account', async () => {
  const commands = await commandsOf(() => call(service, 'POST', URL));
  expect(commands).toEqual([expect.stringContaining('rate_limits'), 'insert one_time_tokens']);
});

const refusals: [string, (who: Person, device: Device) => Promise<unknown>][] = [
  ['of a suspended account', ({ id }) => admin.call('POST', `/v1/admin/users/${id}/suspend`, { reason: 'spam' })],
  ['of a deleted account', (who) => who.call('DELETE', '/v1/users/me')],
  [
    'that was removed',
    async (who) => {
      const { items } = (await who.call('GET', '/v1/users/me/passkeys')).json();
      await who.call('DELETE', `/v1/users/me/passkeys/${items[0].id}`);
    },
  ],
];

it.each(refusals)('a passkey %s is refused as one that nobody knows', async (_which, end) => {
  const [ada, device] = [await person(service), new Device()];
  await enrolPasskey(ada, device);
  const unknown = new Device();
  unknown.create((await admin.call('POST', '/v1/users/me/passkeys/options')).json());
  expect(outcome(await passkeySignIn(service, device))).toBe('201');
  await end(ada, device);
  const failures = () => AuditEvent.countDocuments({ action: 'session.created', outcome: 'failure' });
  const before = await failures();
  const [known, nobodys] = [await passkeySignIn(service, device), await passkeySignIn(service, unknown)];
  const { requestId: _, ...expected } = nobodys.json();
  const { requestId: __, ...answer } = known.json();
  expect(outcome(nobodys)).toBe('401 invalid-passkey');
  expect(answer).toEqual(expected);
  expect(Object.keys(known.headers).sort()).toEqual(Object.keys(nobodys.headers).sort());
  expect(await failures()).toBe(before + 2);
});
