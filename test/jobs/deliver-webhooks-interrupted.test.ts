import { describe, expect, it } from 'vitest';
import { claimDelivery, WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { WebhookEvent } from '../../src/models/webhook-event.ts';
import { handOutEvent } from '../../src/models/webhook-fan-out.ts';
import { passTime } from '../helpers/clock.ts';
import { person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { areDone, isTried, onlyDelivery, useWebhooks } from '../helpers/webhooks.ts';

const SECOND_MS = 1_000;

const { proxy, service, admin, worker, receiver, endpoint, change } = useWebhooks();

describe('a lease', () => {
  it('keeps a delivery to one worker until it ends; then it may arrive twice, and is seen to be one', async () => {
    const other = await receiver();
    const finish: (() => void)[] = [];
    other.answer = async () => {
      if (finish.length === 0) await new Promise<void>((resolve) => finish.push(resolve));
      return { status: 200 };
    };
    const ada = await person(service());
    await endpoint(other.url);
    const slow = worker();
    await change(ada);
    await until('the first one sends', () => finish.length === 1);
    const { webhookId } = await onlyDelivery();
    passTime(30 * SECOND_MS - 1);
    expect(await claimDelivery(webhookId)).toBeNull();
    passTime(1);
    const second = worker();
    await until('the second one has delivered', areDone('delivered'));
    finish[0]?.();
    await until('the first one is told', () => slow.lines.length + second.lines.length > 2);
    expect([...slow.lines, ...second.lines].sort()).toEqual([
      'webhook delivered',
      'webhook delivered',
      'webhook was delivered after its lease, and may arrive twice',
    ]);
    expect(other.received).toHaveLength(2);
    expect(new Set(other.ids).size).toBe(1);
    expect(new Set(other.received.map(({ body }) => body)).size).toBe(1);
  });

  it('of an event ends as well: one that died while it handed out is followed by another, and nobody hears twice', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    await change(ada);
    const dies = () => {
      throw new Error('died');
    };
    await expect(handOutEvent(service().deps.keyring, dies)).rejects.toThrow('died');
    expect(await handOutEvent(service().deps.keyring, (user) => user)).toBe(false);
    worker();
    passTime(30 * SECOND_MS);
    await until('it has arrived', areDone('delivered'));
    expect(other.received).toHaveLength(1);
  });
});

describe('an outage of the database', () => {
  const databaseAnswers = () =>
    WebhookDelivery.countDocuments().then(
      () => true,
      () => false,
    );

  it('between delivering and marking makes it arrive again, with the same id', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    await change(ada);
    const { lines } = worker();
    proxy().rule = (command) => (command === 'update webhook_deliveries' ? 'cut off' : 'passed on');
    await until('it has arrived', () => other.received.length === 1);
    await until('it could not be marked', () => lines.length > 0);
    proxy().mend();
    await until('the database is back', databaseAnswers);
    passTime(30 * SECOND_MS);
    await until('it has been marked', areDone('delivered'));
    expect(other.received).toHaveLength(2);
    expect(new Set(other.ids).size).toBe(1);
  });

  it('is one line in the log, however long it lasts, and ends by itself', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    let asked = 0;
    proxy().rule = (command) => {
      if (command !== 'findAndModify webhook_events') return 'passed on';
      asked += 1;
      return 'cut off';
    };
    const { lines } = worker();
    await until('it has been asked often', () => asked > 6);
    expect(lines).toEqual(['webhooks wait: their deliveries cannot be read or written']);
    proxy().mend();
    await until('the database is back', databaseAnswers);
    await change(ada);
    await until('webhooks leave again', () => other.received.length === 1);
  });
});

describe('stopping', () => {
  it('waits for what is being sent, and begins nothing more', async () => {
    const other = await receiver();
    const finish: (() => void)[] = [];
    other.answer = () => new Promise((resolve) => finish.push(() => resolve({ status: 200 })));
    const ada = await person(service());
    await endpoint(other.url);
    for (let n = 0; n < 5; n += 1) await change(ada, `Ada ${n}`);
    const { dispatcher } = worker();
    await until('three are under way', () => finish.length === 3);
    const stopped = dispatcher.stop();
    for (const each of finish) each();
    await stopped;
    expect(other.received).toHaveLength(3);
    expect(await WebhookDelivery.countDocuments({ outcome: 'delivered' })).toBe(3);
    expect(await WebhookDelivery.countDocuments({ attempts: 0, dueAt: { $exists: true } })).toBe(2);
  });

  it('cuts off what takes too long, leaves it for later, and blames nobody', async () => {
    const other = await receiver();
    const finish: (() => void)[] = [];
    other.answer = () => new Promise((resolve) => finish.push(() => resolve({ status: 200 })));
    const ada = await person(service());
    const { url } = await endpoint(other.url);
    const { dispatcher } = worker({ stopGraceMs: 1 });
    await change(ada);
    await until('it is under way', () => finish.length === 1);
    await dispatcher.stop();
    expect(await onlyDelivery()).toMatchObject({
      attempts: 1,
      tries: [{ failure: 'stopped' }],
      dueAt: expect.any(Date),
    });
    expect((await admin().call('GET', url)).json()).not.toHaveProperty('failingSince');
    finish[0]?.();
  });

  it('is deaf to what happens afterwards', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    const { dispatcher } = worker();
    await dispatcher.stop();
    await change(ada);
    expect(await WebhookEvent.countDocuments({ dueAt: { $exists: true } })).toBe(1);
    expect(await WebhookDelivery.countDocuments()).toBe(0);
  });
});

describe('an endpoint that is disabled or removed while something is on its way to it', () => {
  it('is sent nothing more, and what waits is as it was', async () => {
    const other = await receiver();
    const finish: (() => void)[] = [];
    other.answer = () => new Promise((resolve) => finish.push(() => resolve({ status: 200 })));
    const ada = await person(service());
    const { url } = await endpoint(other.url);
    for (let n = 0; n < 4; n += 1) await change(ada, `Ada ${n}`);
    worker();
    await until('three are under way', () => finish.length === 3);
    expect((await admin().call('PATCH', url, { enabled: false })).statusCode).toBe(200);
    for (const each of finish) each();
    await until('those are done', areDone('delivered', 3));
    await until('the fourth is given back', async () =>
      WebhookDelivery.exists({ outcome: 'pending', attempts: 0, dueAt: { $lte: new Date() } }),
    );
    expect(other.received).toHaveLength(3);
    await admin().call('PATCH', url, { enabled: true });
    await until('the fourth has arrived', () => finish.length === 4);
    finish[3]?.();
    await until('all are done', areDone('delivered', 4));
    expect(await isTried()()).toBe(false);
  });
});
