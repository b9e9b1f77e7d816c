// W2: a webhook that somebody else sends. Elsewhere receivers could not tell who was calling, or a signature did not
// cover the time, so that a delivery that was overheard once could be sent again for ever. Here every delivery is
// signed as Standard Webhooks says, and checked by that project's own library.

import { describe, expect, it } from 'vitest';
import { passTime } from '../helpers/clock.ts';
import { person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { type Received, verify } from '../helpers/webhook-receiver.ts';
import { areDone, useWebhooks } from '../helpers/webhooks.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const { service, admin, worker, receiver, endpoint } = useWebhooks();

/** One delivery of a test event. */
async function delivered() {
  const other = await receiver();
  const made = await endpoint(other.url);
  worker();
  await admin().call('POST', `${made.url}/test`);
  await until('it has arrived', () => other.received.length === 1);
  const [received] = other.received as [Received];
  return { ...made, other, received };
}

describe('a delivery', () => {
  it('is accepted by who holds the secret', async () => {
    const { secret, received, id } = await delivered();
    expect(verify(secret, received.headers, received.body)).toEqual({
      type: 'webhook.test',
      timestamp: new Date().toISOString(),
      data: { webhookId: id },
    });
  });

  it('that was altered, or is under another id, time or secret, is not', async () => {
    const { secret, received, url } = await delivered();
    const { headers, body } = received;
    const later = String(Number(headers['webhook-timestamp']) + 1);
    const other = (await admin().call('POST', `${url}/rotate-secret`, { overlapSeconds: 0 })).json().secret;
    expect(() => verify(secret, headers, `${body} `)).toThrow('signature');
    expect(() => verify(secret, { ...headers, 'webhook-id': 'evt_000000000000000000000000' }, body)).toThrow(
      'signature',
    );
    expect(() => verify(secret, { ...headers, 'webhook-timestamp': later }, body)).toThrow('signature');
    expect(() => verify(other, headers, body)).toThrow('signature');
  });

  it('is too old minutes later, for whoever kept a copy', async () => {
    const { secret, received } = await delivered();
    passTime(6 * MINUTE_MS);
    expect(() => verify(secret, received.headers, received.body)).toThrow('too old');
  });

  it('that is tried again hours later is signed with the time of the try', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 500 });
    const { secret, url } = await endpoint(other.url);
    const { count } = worker();
    await admin().call('POST', `${url}/test`);
    await until('it has been put off', async () => (await count('retried')) === 1);
    passTime(HOUR_MS);
    await until('it has been tried again', async () => (await count('retried')) === 2);
    const [, again] = other.received as [Received, Received];
    expect(verify(secret, again.headers, again.body)).toMatchObject({ type: 'webhook.test' });
    expect(new Set(other.ids).size).toBe(1);
  });
});

describe('a new secret', () => {
  const rotated = async (overlapSeconds: number) => {
    const other = await receiver();
    const made = await endpoint(other.url);
    worker();
    const { secret, webhook } = (await admin().call('POST', `${made.url}/rotate-secret`, { overlapSeconds })).json();
    const send = async (count = 1) => {
      await admin().call('POST', `${made.url}/test`);
      await until('it has arrived', areDone('delivered', count));
      return other.received[count - 1] as Received;
    };
    return { before: made.secret, after: secret as string, webhook, send };
  };

  it('signs beside the one before for as long as was asked, so that the receiver can change over', async () => {
    const { before, after, webhook, send } = await rotated(3_600);
    expect(webhook.previousSecretUntil).toBe(new Date(Date.now() + HOUR_MS).toISOString());
    const both = await send();
    expect(String(both.headers['webhook-signature']).split(' ')).toHaveLength(2);
    for (const secret of [before, after]) verify(secret, both.headers, both.body);
  });

  it('signs alone afterwards', async () => {
    const { before, after, send } = await rotated(60);
    await send();
    passTime(MINUTE_MS);
    const one = await send(2);
    expect(String(one.headers['webhook-signature']).split(' ')).toHaveLength(1);
    verify(after, one.headers, one.body);
    expect(() => verify(before, one.headers, one.body)).toThrow('signature');
  });

  it('signs alone at once where the one before has leaked', async () => {
    const { before, after, send } = await rotated(0);
    const one = await send();
    verify(after, one.headers, one.body);
    expect(() => verify(before, one.headers, one.body)).toThrow('signature');
  });

  it('drops the one before the last', async () => {
    const other = await receiver();
    const made = await endpoint(other.url);
    worker();
    const rotate = async () => (await admin().call('POST', `${made.url}/rotate-secret`, {})).json().secret as string;
    const [second, third] = [await rotate(), await rotate()];
    await admin().call('POST', `${made.url}/test`);
    await until('it has arrived', () => other.received.length === 1);
    const [{ headers, body }] = other.received as [Received];
    for (const secret of [second, third]) verify(secret, headers, body);
    expect(() => verify(made.secret, headers, body)).toThrow('signature');
  });

  it('is given to nobody else: two endpoints have two', async () => {
    const other = await receiver();
    const [one, two] = [await endpoint(other.url, ['user.created']), await endpoint(other.url, ['user.created'])];
    expect(one.secret).not.toBe(two.secret);
    worker();
    await person(service());
    await until('both have arrived', () => other.received.length === 2);
    const accepts = (secret: string) =>
      other.received.filter(({ headers, body }) => {
        try {
          return verify(secret, headers, body);
        } catch {
          return false;
        }
      }).length;
    expect([accepts(one.secret), accepts(two.secret)]).toEqual([1, 1]);
  });
});
