import { describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { ID_OF_NOTHING } from '../helpers/operations.ts';
import { person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { areDone, useWebhooks } from '../helpers/webhooks.ts';

const WEBHOOKS = '/v1/admin/webhooks';

const { service, admin, worker, receiver, endpoint, change } = useWebhooks();

describe('webhooks', () => {
  it('are made, read, changed and removed, each with its audit event', async () => {
    const body = { url: ' https://CRM.example.com/hooks#part ', description: 'CRM', events: ['user.created'] };
    const made = await admin().call('POST', WEBHOOKS, body);
    expect(made.statusCode).toBe(201);
    const { webhook, secret } = made.json();
    expect(secret).toMatch(/^whsec_/);
    expect(webhook).toMatchObject({
      url: 'https://crm.example.com/hooks',
      description: 'CRM',
      events: ['user.created'],
      enabled: true,
    });
    const url = `${WEBHOOKS}/${webhook.id}`;
    expect(made.headers).toMatchObject({ location: url, etag: '"1"' });
    expect((await admin().call('GET', url)).json()).toEqual(webhook);
    const patch = (change: unknown, headers = {}) => admin().call('PATCH', url, change, { headers });
    const changed = await patch({ description: null, events: [], enabled: false }, { 'if-match': '"1"' });
    expect(changed.headers['etag']).toBe('"2"');
    expect(changed.json()).toMatchObject({ events: [], enabled: false });
    expect(changed.json()).not.toHaveProperty('description');
    expect((await patch({ enabled: true }, { 'if-match': '"1"' })).json().code).toBe('precondition-failed');
    expect((await admin().call('POST', `${url}/rotate-secret`, {})).headers['etag']).toBe('"3"');
    expect((await admin().call('DELETE', url, undefined, { headers: { 'if-match': '"1"' } })).statusCode).toBe(412);
    expect((await admin().call('DELETE', url)).statusCode).toBe(204);
    expect((await admin().call('GET', url)).statusCode).toBe(404);
    const events = await AuditEvent.find({ 'target.id': webhook.id }).sort({ _id: 1 }).lean();
    expect(events.map(({ action }) => action)).toEqual([
      'webhook.created',
      'webhook.updated',
      'webhook.secret-rotated',
      'webhook.deleted',
    ]);
    for (const { actor } of events) expect(actor.id?.toHexString()).toBe(admin().id);
    expect(events[1]?.changes?.toSorted()).toEqual(['description', 'enabled', 'events']);
  });

  it('are listed newest first, page by page', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await endpoint(`https://crm.example.com/${n}`)).id);
    const seen: string[] = [];
    let url: string | undefined = `${WEBHOOKS}?limit=2`;
    while (url) {
      const page = await admin().call('GET', url);
      seen.push(...page.json().items.map(({ id }: { id: string }) => id));
      [, url] = /<([^>]+)>; rel="next"/.exec(String(page.headers['link'])) ?? [];
    }
    expect(seen).toEqual(ids);
    const foreign = (await admin().call('GET', '/v1/admin/users?limit=1')).json().nextCursor;
    expect((await admin().call('GET', `${WEBHOOKS}?cursor=${foreign}`)).json().code).toBe('invalid-cursor');
  });

  it('that are not there are answered alike', async () => {
    const url = `${WEBHOOKS}/${ID_OF_NOTHING}`;
    for (const response of [
      await admin().call('GET', url),
      await admin().call('PATCH', url, { enabled: true }),
      await admin().call('DELETE', url),
      await admin().call('POST', `${url}/rotate-secret`, {}),
      await admin().call('POST', `${url}/test`),
      await admin().call('GET', `${url}/deliveries`),
      await admin().call('POST', `${url}/deliveries/${ID_OF_NOTHING}/replay`),
    ])
      expect(response.json().code).toBe('not-found');
  });

  it('hear of what they have chosen, of a type that is chosen later too', async () => {
    const other = await receiver();
    const { url, secret } = await endpoint(other.url, ['user.roles-changed']);
    worker();
    const ada = await person(service());
    await change(ada);
    const grant = (roles: string[]) => admin().call('PATCH', `/v1/admin/users/${ada.id}`, { roles });
    await grant(['user', 'support']);
    await until('it has arrived', areDone('delivered'));
    await admin().call('PATCH', url, { events: ['user.updated'] });
    await grant(['user']);
    await change(ada, 'Grace');
    await until('the other has arrived', areDone('delivered', 2));
    expect(other.verified(secret)).toMatchObject([
      { type: 'user.roles-changed', data: { user: { roles: ['user', 'support'] }, changes: ['roles'] } },
      { type: 'user.updated', data: { user: { firstName: 'Grace' } } },
    ]);
  });
});

describe('a test', () => {
  it('is delivered whatever the endpoint hears of, and listed', async () => {
    const other = await receiver();
    const { url, secret, id } = await endpoint(other.url, ['user.deleted']);
    worker();
    const ordered = await admin().call('POST', `${url}/test`);
    expect(ordered.statusCode).toBe(202);
    expect(ordered.json()).toMatchObject({ type: 'webhook.test', outcome: 'pending', attempts: 0, tries: [] });
    await until('it has arrived', areDone('delivered'));
    expect(other.verified(secret)).toMatchObject([{ type: 'webhook.test', data: { webhookId: id } }]);
    expect(other.ids).toEqual([ordered.json().eventId]);
  });

  it('under one idempotency key is one', async () => {
    const { url } = await endpoint('https://crm.example.com/');
    const order = () => admin().call('POST', `${url}/test`, undefined, { headers: { 'idempotency-key': 'test-1' } });
    const [first, again] = [await order(), await order()];
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
    expect((await admin().call('GET', `${url}/deliveries`)).json().items).toHaveLength(1);
  });

  it('of a disabled endpoint is refused', async () => {
    const { url } = await endpoint('https://crm.example.com/');
    await admin().call('PATCH', url, { enabled: false });
    expect((await admin().call('POST', `${url}/test`)).json().code).toBe('webhook-disabled');
  });
});

describe('deliveries', () => {
  it('are listed by outcome, those of one endpoint alone', async () => {
    const [good, bad] = [await receiver(), await receiver()];
    bad.answer = () => ({ status: 404, body: 'nobody here' });
    const [one, two] = [await endpoint(good.url), await endpoint(bad.url)];
    worker();
    for (const { url } of [one, two, one]) await admin().call('POST', `${url}/test`);
    await until('two have arrived', areDone('delivered', 2));
    await until('one was refused', () => WebhookDelivery.exists({ 'tries.failure': 'refused' }));
    const list = async (url: string, query = '') => (await admin().call('GET', `${url}/deliveries${query}`)).json();
    expect((await list(one.url)).items).toHaveLength(2);
    expect((await list(one.url, '?outcome=pending')).items).toEqual([]);
    expect((await list(two.url, '?outcome=pending')).items).toMatchObject([{ excerpt: 'nobody here' }]);
    const first = await list(one.url, '?limit=1&outcome=delivered');
    const second = await list(one.url, `?limit=1&outcome=delivered&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ nextCursor: null, items: [{ outcome: 'delivered' }] });
    expect(second.items[0].id < first.items[0].id).toBe(true);
    expect((await list(two.url, `?cursor=${first.nextCursor}`)).code).toBe('invalid-cursor');
  });

  it('are sent again under the same id when somebody asks, also one that is done', async () => {
    const other = await receiver();
    const { url, secret } = await endpoint(other.url, ['user.updated']);
    worker();
    const ada = await person(service());
    await change(ada);
    await until('it has arrived', areDone('delivered'));
    await change(ada, 'Grace');
    await until('so has the next', areDone('delivered', 2));
    const [, first] = (await admin().call('GET', `${url}/deliveries`)).json().items;
    const replayed = await admin().call('POST', `${url}/deliveries/${first.id}/replay`);
    expect(replayed.statusCode).toBe(202);
    expect(replayed.json()).toMatchObject({ id: first.id, outcome: 'pending', attempts: 0 });
    await until('it has arrived again', () => other.received.length === 3);
    expect(other.ids).toEqual([first.eventId, expect.any(String), first.eventId]);
    expect(other.verified(secret)[2]).toEqual(other.verified(secret)[0]);
    await until('it is done', areDone('delivered', 2));
    const [, again] = (await admin().call('GET', `${url}/deliveries`)).json().items;
    expect(again.tries).toHaveLength(2);
  });

  it('of one endpoint are not replayed through another', async () => {
    const [one, two] = [await endpoint('https://a.example.com/'), await endpoint('https://b.example.com/')];
    const { id } = (await admin().call('POST', `${one.url}/test`)).json();
    expect((await admin().call('POST', `${two.url}/deliveries/${id}/replay`)).statusCode).toBe(404);
  });
});
