import { describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Outbox } from '../../src/models/outbox.ts';
import { WebhookDelivery } from '../../src/models/webhook-delivery.ts';
import { WebhookEvent } from '../../src/models/webhook-event.ts';
import { passTime } from '../helpers/clock.ts';
import { commandsOf } from '../helpers/commands.ts';
import { lastMailFor, mailFor } from '../helpers/mail.ts';
import { person, signIn } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { areDone, isTried, useWebhooks } from '../helpers/webhooks.ts';

const DAY_MS = 86_400_000;

/** Of no sign-in: the admin signs in to look. */
const HEARS = ['user.updated'];

const { service, admin, worker, receiver, endpoint, change } = useWebhooks();

/** As the admin sees it, whose session has ended when days have passed. */
const read = async (url: string) => {
  const again = await signIn(service(), admin().email);
  return (await again.call('GET', url)).json();
};

describe('an endpoint to which nothing gets through', () => {
  it('is disabled after five days, with a mail to whoever may see to it and one audit event', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 500 });
    const ada = await person(service());
    const support = await person(service(), { roles: ['support'] });
    const { id, url } = await endpoint(`${other.url}?token=secret-in-the-query`, HEARS);
    const { count, lines } = worker();
    await change(ada);
    const began = new Date();
    await until('it has been tried', isTried());
    expect(await read(url)).toMatchObject({ enabled: true, failingSince: began.toISOString() });
    passTime(5 * DAY_MS - 1);
    await until('it has been tried again', async () => (await count('retried')) === 2);
    expect(await read(url)).toMatchObject({ enabled: true, failingSince: began.toISOString() });
    passTime(DAY_MS);
    await until('it is disabled', async () => (await read(url)).enabled === false);
    expect(await read(url)).toMatchObject({ disabledReason: 'failing', failingSince: began.toISOString() });
    expect(lines.filter((line) => line === 'webhook endpoint disabled')).toHaveLength(1);
    const mail = await lastMailFor(service().deps.keyring, admin().email, 'webhook-disabled');
    expect(mail.data).toEqual({ at: expect.any(String), host: `127.0.0.1:${other.port}`, reason: 'failing' });
    for (const { email } of [ada, support])
      expect((await mailFor(service().deps.keyring, email)).map(({ template }) => template)).not.toContain(
        'webhook-disabled',
      );
    const events = await AuditEvent.find({ action: 'webhook.disabled' }).lean();
    expect(events).toMatchObject([
      { actor: { type: 'system' }, target: { collection: 'webhooks' }, changes: ['enabled'], reason: 'failing' },
    ]);
    expect(events[0]?.target.id?.toHexString()).toBe(id);
  });

  it('is told nothing while it is disabled; what waits is sent when it is enabled again', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 410 });
    const ada = await person(service());
    const { url } = await endpoint(other.url, HEARS);
    const { lines } = worker();
    await change(ada);
    await until('it is disabled', async () => (await read(url)).enabled === false);
    expect(await read(url)).toMatchObject({ disabledReason: 'gone' });
    await until('one is told', () => lines.includes('webhook endpoint disabled'));
    expect(await WebhookDelivery.findOne().lean()).toMatchObject({ outcome: 'failed', tries: [{ failure: 'gone' }] });
    const mail = await lastMailFor(service().deps.keyring, admin().email, 'webhook-disabled');
    expect(mail.data.reason).toBe('gone');
    await WebhookEvent.deleteMany({});
    await change(ada, 'Grace');
    expect(await WebhookEvent.countDocuments()).toBe(0);
    other.answer = () => ({ status: 200 });
    await admin().call('PATCH', url, { enabled: true });
    expect(await read(url)).toMatchObject({ enabled: true });
    expect(await read(url)).not.toHaveProperty('disabledReason');
    await change(ada, 'Ada again');
    await until('it hears again', areDone('delivered'));
  });

  it('is forgiven as soon as something gets through', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 500 });
    const ada = await person(service());
    const { url } = await endpoint(other.url, HEARS);
    worker();
    await change(ada);
    await until('it has been tried', isTried());
    passTime(4 * DAY_MS);
    other.answer = () => ({ status: 200 });
    await until('it has arrived', areDone('delivered'));
    await until('it is forgiven', async () => !('failingSince' in (await read(url))));
    other.answer = () => ({ status: 500 });
    const later = await signIn(service(), admin().email);
    await later.call('PATCH', `/v1/admin/users/${ada.id}`, { firstName: 'Grace' });
    passTime(4 * DAY_MS);
    await until('it has been refused', async () => 'failingSince' in (await read(url)));
    expect(await read(url)).toMatchObject({ enabled: true });
    expect(await Outbox.countDocuments({ template: 'webhook-disabled' })).toBe(0);
  });

  it('is known as such before it is tried again', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 500 });
    const ada = await person(service());
    await endpoint(other.url, HEARS);
    await change(ada);
    const sent = await commandsOf(async () => {
      worker();
      await until('it has been tried', isTried());
    });
    expect(sent.filter((name) => /^(findAndModify webhooks|update webhook_deliveries)$/.test(name))).toEqual([
      'findAndModify webhooks',
      'update webhook_deliveries',
    ]);
  });

  it('by two instances at once is disabled once', async () => {
    const other = await receiver();
    other.answer = () => ({ status: 410 });
    const ada = await person(service());
    await endpoint(other.url, HEARS);
    for (let n = 0; n < 6; n += 1) await change(ada, `Ada ${n}`);
    const before = await AuditEvent.countDocuments({ action: 'webhook.disabled' });
    const workers = [worker(), worker()];
    await until('it is over', async () => (await WebhookDelivery.countDocuments({ outcome: 'failed' })) > 0);
    await until('one says so', () => workers.some(({ lines }) => lines.includes('webhook endpoint disabled')));
    for (const { dispatcher } of workers) await dispatcher.stop();
    expect(workers.flatMap(({ lines }) => lines).filter((line) => line === 'webhook endpoint disabled')).toHaveLength(
      1,
    );
    expect(await AuditEvent.countDocuments({ action: 'webhook.disabled' })).toBe(before + 1);
    expect(await Outbox.countDocuments({ template: 'webhook-disabled' })).toBe(1);
  });
});
