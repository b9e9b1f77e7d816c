// W1: a webhook that makes the service call what only the service can reach. Elsewhere an admin, or whoever had stolen
// an admin's session, pointed a webhook at the metadata service of the cloud, at a database without a password or at
// another container, and read the answer in the delivery log; where the address was checked, a name resolved to
// something else a moment later (DNS rebinding), or a redirect led there (OWASP API7, ASVS 5.0 1.3.6).

import type { LookupAddress } from 'node:dns';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { post } from '../../src/lib/webhooks/post.ts';
import { isPublicAddress, type TargetPolicy } from '../../src/lib/webhooks/target.ts';
import { Webhook } from '../../src/models/webhook.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Person, person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { WebhookReceiver } from '../helpers/webhook-receiver.ts';
import { isTried, onlyDelivery, useWebhooks } from '../helpers/webhooks.ts';

const WEBHOOKS = '/v1/admin/webhooks';

describe('an address of the open internet', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '2a00:1450:4001::1'])(
    'is %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    // This machine, and any
    ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '0.0.0.1', '::1', '::'],
    // Private, shared and on the link: the metadata service of clouds is there
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.169.254', 'fe80::1'],
    ...['fc00::1', 'fd12:3456::1', 'fec0::1'],
    // For groups, documentation, benchmarks and the future
    ...['224.0.0.1', '239.255.255.255', '255.255.255.255', '240.0.0.1', 'ff02::1', '192.0.2.1', '198.18.0.1'],
    ...['203.0.113.1', '198.51.100.1', '2001:db8::1', '192.0.0.8', '100::1'],
    // IPv4 inside IPv6
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::'],
    // None at all
    ...['', 'localhost', '127.0.0.1.', '1', '0x7f.1', 'fe80::1%eth0'],
  ])('is not "%s"', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('an endpoint', () => {
  let service: TestApp;
  let admin: Person;
  beforeAll(async () => {
    service = await buildTestApp();
    admin = await person(service, { roles: ['admin'] });
  });
  afterAll(() => service.close());

  const REFUSED = [
    ['https://127.0.0.1/', 'private-address'],
    ['https://localhost:8443/hook', 'private-address'],
    ['https://2130706433/', 'private-address'],
    ['https://0x7f.1/', 'private-address'],
    ['https://017700000001/', 'private-address'],
    ['https://127.1/', 'private-address'],
    ['https://１２７.0.0.1/', 'private-address'],
    ['https://[::1]/', 'private-address'],
    ['https://[::ffff:169.254.169.254]/latest/meta-data', 'private-address'],
    ['https://[64:ff9b::a9fe:a9fe]/', 'private-address'],
    ['https://169.254.169.254/latest/meta-data', 'private-address'],
    ['https://0.0.0.0/', 'private-address'],
    ['http://8.8.8.8/', 'https-required'],
    ['ftp://8.8.8.8/', 'invalid-url'],
    ['file:///etc/passwd', 'invalid-url'],
    ['https:8.8.8.8', 'invalid-url'],
    ['https:\\\\8.8.8.8', 'invalid-url'],
    ['//8.8.8.8/', 'invalid-url'],
    ['https://8.8.8.8/\r\nHost: internal', 'invalid-url'],
    ['https://user:password@8.8.8.8/', 'credentials-in-url'],
  ] as const;

  it.each(REFUSED)('at %j is refused: %s', async (url, code) => {
    const made = await admin.call('POST', WEBHOOKS, { url });
    expect(made.statusCode).toBe(400);
    expect(made.json()).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '/url', code }] });
    expect(await Webhook.countDocuments()).toBe(0);
  });

  it('is not moved there either', async () => {
    const made = await admin.call('POST', WEBHOOKS, { url: 'https://8.8.8.8/hook' });
    const url = `${WEBHOOKS}/${made.json().webhook.id}`;
    for (const [target] of REFUSED) expect((await admin.call('PATCH', url, { url: target })).statusCode).toBe(400);
    expect((await admin.call('GET', url)).json().url).toBe('https://8.8.8.8/hook');
  });
});

describe('a delivery', () => {
  const { service, worker, endpoint, change } = useWebhooks();
  const guarded = { targets: { allowPrivate: false } };

  it.each([
    ['https://127.0.0.1:1/', 'private-address'],
    ['https://localhost:1/', 'private-address'],
    ['http://127.0.0.1:1/', 'https-required'],
  ])('to %s is refused as well, whoever allowed the endpoint', async (url, failure) => {
    const ada = await person(service());
    await endpoint(url);
    worker(guarded);
    await change(ada);
    await until('it has been tried', isTried());
    expect((await onlyDelivery()).tries).toMatchObject([{ failure }]);
  });

  it('to a name that resolves to any private address is refused, and nothing is connected to', async () => {
    const ada = await person(service());
    await endpoint('https://rebound.example/');
    const resolve = async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '169.254.169.254', family: 4 },
    ];
    worker({ targets: { allowPrivate: false, resolve } });
    await change(ada);
    await until('it has been tried', isTried());
    expect((await onlyDelivery()).tries).toMatchObject([{ failure: 'private-address' }]);
  });
});

describe('a name that is rebound', () => {
  const opened: WebhookReceiver[] = [];
  afterAll(() => Promise.all(opened.map((each) => each.close())));

  it('is connected to where it was checked: it is not resolved twice', async () => {
    const outside = await WebhookReceiver.open('127.0.0.1');
    opened.push(outside);
    // To the test the one address is the open internet, and any other one the private network.
    const answers: LookupAddress[] = [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ];
    let asked = 0;
    const policy: TargetPolicy = {
      allowPrivate: false,
      resolve: async () => [answers[asked++] ?? { address: '127.0.0.3', family: 4 }],
      isPublic: (address) => address === '127.0.0.1',
    };
    const url = `http://rebound.example:${outside.port}/hook`;
    const sent = () => post({ url, headers: {}, body: '{}' }, policy, AbortSignal.timeout(5_000));
    expect((await sent()).status).toBe(204);
    expect(asked).toBe(1);
    expect(outside.received).toHaveLength(1);
    expect(outside.received[0]?.headers.host).toBe(`rebound.example:${outside.port}`);
    // The next try asks anew, and is refused before it connects.
    await expect(sent()).rejects.toMatchObject({ code: 'private-address' });
    expect(outside.received).toHaveLength(1);
  });

  it('by a resolver that never answers is given up in time', async () => {
    const policy = { allowPrivate: false, resolve: () => new Promise<never>(() => {}) };
    const never = post({ url: 'https://slow.example/', headers: {}, body: '' }, policy, AbortSignal.timeout(50));
    await expect(never).rejects.toMatchObject({ code: 'timeout' });
  });
});
