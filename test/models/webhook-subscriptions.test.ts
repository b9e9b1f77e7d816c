import mongoose, { Types } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { recordCommands } from '../../src/explain/record.ts';
import { Webhook } from '../../src/models/webhook.ts';
import { WebhookEvent } from '../../src/models/webhook-event.ts';
import { readSubscriptions } from '../../src/models/webhook-subscriptions.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';
import { passTime } from '../helpers/clock.ts';
import { person, signIn } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { useWebhooks } from '../helpers/webhooks.ts';

const SECOND_MS = 1_000;

const { service, admin, worker, endpoint, change } = useWebhooks();

/** An endpoint that another process has made. */
const madeElsewhere = () =>
  Webhook.collection.insertOne({
    _id: new Types.ObjectId(),
    url: 'https://crm.example.com/',
    events: [],
    secret: UNOPENABLE,
    enabled: true,
    createdAt: new Date(),
    updatedAt: new Date(),
    revision: 1,
  });

const commandsOf = async (work: () => Promise<unknown>) =>
  (await recordCommands(mongoose.connection.getClient(), work)).sent.map(
    ({ name, collection }) => `${name} ${collection}`,
  );

describe('a sign-in', () => {
  it('that nobody wants to hear of asks the database nothing for it', async () => {
    const ada = await person(service());
    await endpoint('https://crm.example.com/', ['user.deleted']);
    await readSubscriptions();
    const commands = await commandsOf(() => signIn(service(), ada.email));
    expect(commands).toContain('insert audit_events');
    expect(commands.filter((command) => command.includes('webhook'))).toEqual([]);
  });

  it('that somebody wants to hear of costs one insert', async () => {
    const ada = await person(service());
    await endpoint('https://crm.example.com/', ['session.created']);
    await readSubscriptions();
    const commands = await commandsOf(() => signIn(service(), ada.email));
    expect(commands.filter((command) => command.includes('webhook'))).toEqual(['insert webhook_events']);
  });
});

describe('what endpoints want to hear of', () => {
  it('is known at once where it changes, and five seconds later everywhere', async () => {
    const ada = await person(service());
    await change(ada);
    await madeElsewhere();
    passTime(5 * SECOND_MS - 1);
    await change(ada, 'Grace');
    expect(await WebhookEvent.countDocuments()).toBe(0);
    passTime(1);
    await change(ada, 'Katherine');
    expect(await WebhookEvent.countDocuments()).toBe(1);
    const { url } = await endpoint('https://crm.example.com/');
    await Webhook.deleteOne({ secret: UNOPENABLE });
    await admin().call('PATCH', url, { enabled: false });
    await change(ada, 'Barbara');
    expect(await WebhookEvent.countDocuments()).toBe(1);
    await admin().call('PATCH', url, { enabled: true });
    await change(ada, 'Dorothy');
    expect(await WebhookEvent.countDocuments()).toBe(2);
    await admin().call('DELETE', url);
    await change(ada, 'Frances');
    expect(await WebhookEvent.countDocuments()).toBe(2);
  });

  it('is looked for by a running service, so that no request has to', async () => {
    const ada = await person(service());
    await change(ada);
    const { dispatcher } = worker();
    await madeElsewhere();
    await until('it is known', async () => {
      await change(ada, `Ada ${Math.random()}`);
      return (await WebhookEvent.countDocuments()) > 0;
    });
    await dispatcher.stop();
  });
});
