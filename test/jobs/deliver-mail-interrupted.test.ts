import { describe, expect, it } from 'vitest';
import { claimMail, Outbox } from '../../src/models/outbox.ts';
import { passTime } from '../helpers/clock.ts';
import { onlyRecord, resetFor, useMailWorkers } from '../helpers/mail-worker.ts';
import { freshEmail } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const MINUTE_MS = 60_000;

const { proxy, mailServer, worker, queue, queueMany } = useMailWorkers();

describe('a lease', () => {
  it('keeps a mail to one worker until it ends; then it may leave twice, and is seen to be one', async () => {
    const server = await mailServer();
    const finish: (() => void)[] = [];
    server.onMessage = async () => {
      if (finish.length === 0) await new Promise<void>((resolve) => finish.push(resolve));
      return undefined;
    };
    const slow = worker(server.url);
    await queue(resetFor(freshEmail()));
    await until('the first one sends', () => finish.length === 1);
    passTime(2 * MINUTE_MS - 1);
    expect(await claimMail()).toBeNull();
    passTime(1);
    const other = worker(server.url);
    await until('the second one has sent', () => server.received.length === 1);
    await until('and has marked it', async () => (await onlyRecord()).sentAt);
    finish[0]?.();
    await until('the first one is told', () => slow.lines.length + other.lines.length > 2);
    expect([...slow.lines, ...other.lines].sort()).toEqual([
      'mail sent',
      'mail sent',
      'mail was sent after its lease, and may leave twice',
    ]);
    expect(server.received).toHaveLength(2);
    expect(new Set(server.messageIds).size).toBe(1);
    expect(await onlyRecord()).toMatchObject({ attempts: 2 });
  });
});

describe('an outage of the database', () => {
  const databaseAnswers = () =>
    Outbox.countDocuments().then(
      () => true,
      () => false,
    );

  it('between sending and marking makes the mail leave again, with the same Message-ID', async () => {
    const server = await mailServer();
    const { lines } = worker(server.url);
    proxy().rule = (command) => (command === 'update outbox' ? 'cut off' : 'passed on');
    await queue(resetFor(freshEmail()));
    await until('it has arrived', () => server.received.length === 1);
    await until('it could not be marked', () => lines.length > 0);
    proxy().mend();
    await until('the database is back', databaseAnswers);
    passTime(2 * MINUTE_MS);
    await until('it has been marked', async () => (await onlyRecord()).sentAt);
    expect(server.received).toHaveLength(2);
    expect(new Set(server.messageIds).size).toBe(1);
  });

  it('is one line in the log, however long it lasts, and ends by itself', async () => {
    const server = await mailServer();
    let asked = 0;
    proxy().rule = (command) => {
      if (command !== 'findAndModify outbox') return 'passed on';
      asked += 1;
      return 'cut off';
    };
    const { lines } = worker(server.url);
    await until('it has been asked often', () => asked > 6);
    expect(lines).toEqual(['mail waits: the outbox cannot be read or written']);
    proxy().mend();
    await until('the database is back', databaseAnswers);
    await queue(resetFor(freshEmail()));
    await until('mail leaves again', () => server.received.length === 1);
  });
});

describe('stopping', () => {
  it('waits for what is being sent, and begins nothing more', async () => {
    const server = await mailServer();
    const finish: (() => void)[] = [];
    server.onMessage = () => new Promise((resolve) => finish.push(() => resolve(undefined)));
    const { delivery } = worker(server.url);
    await queueMany(6);
    await until('four are under way', () => finish.length === 4);
    const stopped = delivery.stop();
    for (const each of finish) each();
    await stopped;
    expect(server.received).toHaveLength(4);
    expect(await Outbox.countDocuments({ sentAt: { $exists: true } })).toBe(4);
    expect(await Outbox.countDocuments({ attempts: 0, dueAt: { $exists: true } })).toBe(2);
  });

  it('cuts off what takes too long, and leaves it for later', async () => {
    const server = await mailServer();
    const finish: (() => void)[] = [];
    server.onMessage = () => new Promise((resolve) => finish.push(() => resolve(undefined)));
    const { delivery } = worker(server.url, { stopGraceMs: 1 });
    await queue(resetFor(freshEmail()));
    await until('it is under way', () => finish.length === 1);
    await delivery.stop();
    expect(await onlyRecord()).toMatchObject({ attempts: 1, failure: 'EABORT', dueAt: expect.any(Date) });
    finish[0]?.();
  });

  it('is deaf to what is queued afterwards', async () => {
    const server = await mailServer();
    const { delivery } = worker(server.url);
    await delivery.stop();
    await queue(resetFor(freshEmail()));
    expect(await onlyRecord()).toMatchObject({ attempts: 0 });
  });
});
