import { describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { MAX_TRIES } from '../../src/lib/webhooks/retries.ts';
import { toId } from '../../src/models/ids.ts';
import { updateProfile } from '../../src/models/user-account.ts';
import { WebhookEvent } from '../../src/models/webhook-event.ts';
import { overdueMs } from '../../src/webhooks.ts';
import { passTime } from '../helpers/clock.ts';
import { person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { areDone, isTried, onlyDelivery, useWebhooks } from '../helpers/webhooks.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** So long that nothing is found by looking. */
const NEVER_MS = 2 ** 31 - 1;

const { service, admin, worker, receiver, endpoint, change } = useWebhooks();

describe('a delivery', () => {
  it('happens when the change has committed, without anybody looking, and is signed as the standard says', async () => {
    const other = await receiver();
    const { secret } = await endpoint(other.url);
    const { count, lines } = worker({ pollMs: NEVER_MS });
    const ada = await person(service());
    await until('the sign-up and the sign-in have arrived', () => other.received.length === 2);
    await change(ada, 'Ada');
    await until('the change has arrived', () => other.received.length === 3);
    const [updated] = other.verified(secret).filter(({ type }) => type === 'user.updated');
    expect(updated).toEqual({
      type: 'user.updated',
      timestamp: new Date().toISOString(),
      data: {
        userId: ada.id,
        user: expect.objectContaining({ id: ada.id, email: ada.email, firstName: 'Ada' }),
        changes: ['firstName'],
      },
    });
    expect(other.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': expect.stringMatching(/^evt_[0-9a-f]{24}$/),
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    });
    expect(new Set(other.ids).size).toBe(3);
    await until('all are counted', async () => (await count('delivered')) === 3);
    expect(lines).toEqual(Array(3).fill('webhook delivered'));
  });

  it('tells of a session without the account', async () => {
    const other = await receiver();
    const ada = await person(service());
    const { secret } = await endpoint(other.url, ['session.created', 'session.ended']);
    worker();
    await ada.call('DELETE', '/v1/sessions/current');
    await until('it has arrived', () => other.received.length === 1);
    expect(other.verified(secret)).toMatchObject([
      { type: 'session.ended', data: { userId: ada.id, sessionId: ada.sessionId } },
    ]);
  });

  it('never happens when the change was rolled back', async () => {
    const other = await receiver();
    const ada = await person(service());
    const { secret } = await endpoint(other.url);
    worker();
    const origin = { actor: { type: 'system' } } as const;
    const nothing = transaction(async (tx) => {
      await updateProfile(tx, origin, service().deps.names, toId(ada.id), {
        set: { firstName: 'Eve' },
        unset: [],
        problems: [],
      } as never);
      throw new Error('no');
    });
    await expect(nothing).rejects.toThrow('no');
    // This one would have come behind it.
    await change(ada, 'Grace');
    await until('the next one has arrived', () => other.received.length > 0);
    expect(other.verified(secret)).toMatchObject([{ data: { user: { firstName: 'Grace' } } }]);
    expect(await WebhookEvent.countDocuments()).toBe(1);
  });

  it('is none, and no event is kept, where nobody hears of it', async () => {
    const other = await receiver();
    await endpoint(other.url, ['user.deleted']);
    const ada = await person(service());
    await change(ada);
    expect(await WebhookEvent.countDocuments()).toBe(0);
  });

  it('finds what another process has put there', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    await change(ada);
    worker();
    await until('it has arrived', () => other.received.length === 1);
  });

  it('by two instances at once tells each of two endpoints each of thirty events once', async () => {
    const [one, two] = [await receiver(), await receiver()];
    const ada = await person(service());
    await endpoint(one.url);
    await endpoint(two.url);
    const workers = [worker(), worker()];
    for (let n = 0; n < 30; n += 1) await change(ada, `Ada ${n}`);
    await until('all are marked', areDone('delivered', 60));
    for (const each of [one, two]) {
      expect(each.received).toHaveLength(30);
      expect(new Set(each.ids).size).toBe(30);
    }
    const counts = await Promise.all(workers.map(({ count }) => count('delivered')));
    expect(counts.reduce((sum, each) => sum + each, 0)).toBe(60);
  });

  it('to an endpoint that hangs holds up no other', async () => {
    const [slow, quick] = [await receiver(), await receiver()];
    const finish: (() => void)[] = [];
    slow.answer = () => new Promise((resolve) => finish.push(() => resolve({ status: 200 })));
    const ada = await person(service());
    await endpoint(slow.url);
    await endpoint(quick.url);
    worker();
    for (let n = 0; n < 6; n += 1) await change(ada, `Ada ${n}`);
    await until('the quick one has all', () => quick.received.length === 6);
    expect(slow.received).toHaveLength(3);
    for (const each of finish) each();
    slow.answer = () => ({ status: 200 });
    await until('the slow one has all', () => slow.received.length === 6);
  });

  it('that is overdue is seen to be', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    expect(await overdueMs()).toBe(0);
    await change(ada);
    passTime(5 * MINUTE_MS);
    expect(await overdueMs()).toBe(5 * MINUTE_MS);
    worker();
    await until('it has arrived', areDone('delivered'));
    expect(await overdueMs()).toBe(0);
  });
});

describe('a try that fails', () => {
  it('is made again with the same id and body, another time and another signature', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 500, body: 'out of <b>order</b>\nsorry' });
    const ada = await person(service());
    const { secret, url } = await endpoint(other.url);
    const { lines } = worker();
    await change(ada);
    await until('it has been put off', isTried());
    const [listed] = (await admin().call('GET', `${url}/deliveries`)).json().items;
    expect(listed).toMatchObject({
      outcome: 'pending',
      attempts: 1,
      excerpt: 'out of <b>order</b> sorry',
      tries: [{ status: 500, failure: 'refused' }],
    });
    const pause = Date.parse(listed.dueAt) - Date.now();
    expect(pause).toBeGreaterThanOrEqual(5_000);
    expect(pause).toBeLessThanOrEqual(6_000);
    await change(ada, 'Somebody else by now');
    other.answer = () => ({ status: 200 });
    passTime(MINUTE_MS);
    await until('both have arrived', areDone('delivered', 2));
    const tries = other.received.filter(({ headers }) => headers['webhook-id'] === listed.eventId);
    expect(tries).toHaveLength(2);
    expect(tries[1]?.body).toBe(tries[0]?.body);
    expect(Number(tries[1]?.headers['webhook-timestamp']) - Number(tries[0]?.headers['webhook-timestamp'])).toBe(60);
    expect(tries[1]?.headers['webhook-signature']).not.toBe(tries[0]?.headers['webhook-signature']);
    other.verified(secret);
    expect(lines[0]).toBe('webhook not delivered, will be tried again');
    const [, first] = (await admin().call('GET', `${url}/deliveries`)).json().items;
    expect(first).toMatchObject({ outcome: 'delivered', attempts: 2 });
    expect(first).not.toHaveProperty('excerpt');
    expect(first).not.toHaveProperty('dueAt');
  });

  it.each([429, 503])('with %i is made no sooner than Retry-After says', async (status) => {
    const other = await receiver();
    other.answer = () => ({ status, headers: { 'retry-after': '7200' } });
    const ada = await person(service());
    await endpoint(other.url);
    worker();
    await change(ada);
    await until('it has been put off', isTried());
    const { dueAt } = await onlyDelivery();
    expect((dueAt?.getTime() ?? 0) - Date.now()).toBe(7_200_000);
  });

  it('is the last one after three days, and every one is the same event', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 404 });
    const ada = await person(service());
    await endpoint(other.url);
    const { count, lines } = worker();
    const began = Date.now();
    await change(ada);
    for (let attempt = 1; attempt < MAX_TRIES; attempt += 1) {
      await until(`try ${attempt} is over`, async () => (await count('retried')) === attempt);
      const { dueAt } = await onlyDelivery();
      passTime((dueAt?.getTime() ?? 0) - Date.now());
    }
    await until('it is given up', areDone('failed'));
    expect((Date.now() - began) / HOUR_MS).toBeGreaterThan(72);
    expect((Date.now() - began) / HOUR_MS).toBeLessThan(96);
    expect(other.received).toHaveLength(MAX_TRIES);
    expect(new Set(other.ids).size).toBe(1);
    expect(lines.at(-1)).toBe('webhook given up');
    expect(await onlyDelivery()).not.toHaveProperty('dueAt');
  });

  it('by a redirect leads nowhere', async () => {
    const [other, elsewhere] = [await receiver(), await receiver()];
    other.answer = () => ({ status: 307, headers: { location: elsewhere.url } });
    const ada = await person(service());
    await endpoint(other.url);
    worker();
    await change(ada);
    await until('it has been put off', isTried());
    expect((await onlyDelivery()).tries).toMatchObject([{ status: 307, failure: 'redirect' }]);
    expect(elsewhere.received).toEqual([]);
  });

  it('where nobody listens says so', async () => {
    const other = await receiver();
    const ada = await person(service());
    await endpoint(other.url);
    await other.close();
    worker();
    await change(ada);
    await until('it has been put off', isTried());
    expect((await onlyDelivery()).tries).toMatchObject([{ failure: 'ECONNREFUSED' }]);
  });
});
