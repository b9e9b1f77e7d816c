import { Types } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { MAX_TRIES } from '../../src/lib/mail/retries.ts';
import { claimMail, enqueueMail, Outbox, overdueMs } from '../../src/models/outbox.ts';
import { passTime } from '../helpers/clock.ts';
import { lastMailFor, mailFor } from '../helpers/mail.ts';
import { unusedPort } from '../helpers/mail-server.ts';
import { FROM, onlyRecord, resetFor, useMailWorkers } from '../helpers/mail-worker.ts';
import { freshEmail } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const MINUTE_MS = 60_000;
/** So long that nothing is found by looking. */
const NEVER_MS = 2 ** 31 - 1;

const { keyring, mailServer, worker, queue, queueMany } = useMailWorkers();

describe('the outbox', () => {
  it('keeps mail encrypted, and tells tests what it is', async () => {
    const email = freshEmail();
    const userId = new Types.ObjectId();
    await transaction((tx) => enqueueMail(tx, keyring(), resetFor(email), userId));
    const record = await onlyRecord();
    expect(record).toMatchObject({ template: 'reset-password', userId, attempts: 0, dueAt: new Date() });
    expect(JSON.stringify(record)).not.toMatch(new RegExp(`${email}|#token`));
    expect(await mailFor(keyring(), email)).toEqual([resetFor(email)]);
    expect(await lastMailFor(keyring(), email, 'reset-password')).toEqual(resetFor(email));
    await expect(lastMailFor(keyring(), email, 'magic-link')).rejects.toThrow('no magic-link mail');
  });

  it('tells for how long mail has been due', async () => {
    expect(await overdueMs()).toBe(0);
    await queue(resetFor(freshEmail()));
    passTime(5 * MINUTE_MS);
    await queue(resetFor(freshEmail()));
    expect(await overdueMs()).toBe(5 * MINUTE_MS);
    await claimMail();
    expect(await overdueMs()).toBe(0);
  });
});

describe('delivery', () => {
  it('happens when the transaction has committed, without anybody looking', async () => {
    const server = await mailServer();
    const { count, lines } = worker(server.url, { pollMs: NEVER_MS });
    const email = freshEmail();
    await queue(resetFor(email));
    await until('it has arrived and is marked', async () => (await onlyRecord()).sentAt);
    expect(server.received).toMatchObject([{ from: FROM.address, to: [email] }]);
    const record = await onlyRecord();
    expect(record).toMatchObject({ attempts: 1, sentAt: new Date() });
    expect(record).not.toHaveProperty('dueAt');
    expect(server.messageIds).toEqual([`<${record._id.toHexString()}@example.com>`]);
    expect(server.received[0]?.parsed.date).toEqual(new Date(Math.floor(record.createdAt.getTime() / 1000) * 1000));
    await until('it is counted', async () => (await count('sent')) === 1);
    expect(lines).toEqual(['mail sent']);
  });

  it('never happens when it has not', async () => {
    const server = await mailServer();
    worker(server.url);
    const nothing = transaction(async (tx) => {
      await enqueueMail(tx, keyring(), resetFor(freshEmail()));
      throw new Error('no');
    });
    await expect(nothing).rejects.toThrow('no');
    // This one would have come behind it.
    const email = freshEmail();
    await queue(resetFor(email));
    await until('the next one has arrived', () => server.received.length > 0);
    expect(server.received.map(({ to }) => to)).toEqual([[email]]);
    expect(await Outbox.countDocuments()).toBe(1);
  });

  it('finds what another process has put there', async () => {
    await queue(resetFor(freshEmail()));
    const server = await mailServer();
    worker(server.url);
    await until('it has arrived', () => server.received.length === 1);
    await Outbox.updateOne({}, { $set: { dueAt: new Date() }, $unset: { sentAt: 1 } });
    await until('it has been found again', () => server.received.length === 2);
  });

  it('by two instances at once delivers each of fifty mails once', async () => {
    const server = await mailServer();
    const workers = [worker(server.url), worker(server.url)];
    await Promise.all([queueMany(25), queueMany(25)]);
    await until('all are marked', async () => (await Outbox.countDocuments({ sentAt: { $exists: true } })) === 50);
    expect(server.received).toHaveLength(50);
    expect(new Set(server.messageIds).size).toBe(50);
    expect(await Outbox.distinct('attempts')).toEqual([1]);
    const counts = await Promise.all(workers.map(({ count }) => count('sent')));
    expect(counts.reduce((sum, each) => sum + each, 0)).toBe(50);
  });

  it('holds at most four at a time', async () => {
    const server = await mailServer();
    let [now, most] = [0, 0];
    const waiting: (() => void)[] = [];
    server.onMessage = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise<void>((resolve) => waiting.push(resolve));
      now -= 1;
      return undefined;
    };
    worker(server.url);
    await queueMany(9);
    while (server.received.length < 9) {
      await until(
        'four are under way, or the last ones',
        () => waiting.length >= Math.min(4, 9 - server.received.length),
      );
      for (const finish of waiting.splice(0)) finish();
      await until('they are through', () => now === 0 || waiting.length > 0);
    }
    expect(most).toBe(4);
  });
});

describe('a try that fails', () => {
  it('is made again when the server says: not now', async () => {
    const server = await mailServer();
    server.onRecipient = () => 450;
    const { count, lines } = worker(server.url);
    await queue(resetFor(freshEmail()));
    await until('it has been put off', async () => (await onlyRecord()).failure);
    const { dueAt, attempts, failure } = await onlyRecord();
    expect({ attempts, failure }).toEqual({ attempts: 1, failure: 'EENVELOPE 450' });
    const pause = (dueAt?.getTime() ?? 0) - Date.now();
    expect(pause).toBeGreaterThanOrEqual(48_000);
    expect(pause).toBeLessThanOrEqual(72_000);
    server.onRecipient = () => undefined;
    passTime(2 * MINUTE_MS);
    await until('it has arrived', async () => (await onlyRecord()).sentAt);
    expect(await onlyRecord()).toMatchObject({ attempts: 2 });
    expect(await onlyRecord()).not.toHaveProperty('failure');
    expect([await count('retried'), await count('sent'), await count('failed')]).toEqual([1, 1, 0]);
    expect(lines).toEqual(['mail not sent, will be tried again', 'mail sent']);
  });

  it('is made again when nobody listened', async () => {
    const port = await unusedPort();
    worker(`smtp://127.0.0.1:${port}`);
    await queue(resetFor(freshEmail()));
    await until('it has been put off', async () => (await onlyRecord()).failure);
    expect(await onlyRecord()).toMatchObject({ attempts: 1, failure: 'ESOCKET ECONNREFUSED' });
    const server = await mailServer(port);
    passTime(2 * MINUTE_MS);
    await until('it has arrived', async () => (await onlyRecord()).sentAt);
    expect(server.received).toHaveLength(1);
  });

  it('is the last one when the server says: never', async () => {
    const server = await mailServer();
    server.onRecipient = () => 550;
    const { count, lines } = worker(server.url);
    await queue(resetFor(freshEmail()));
    await until('it is given up', async () => (await onlyRecord()).failedAt);
    const record = await onlyRecord();
    expect(record).toMatchObject({ attempts: 1, failure: 'EENVELOPE 550' });
    expect(record).not.toHaveProperty('dueAt');
    expect(lines).toEqual(['mail given up']);
    expect([await count('retried'), await count('sent'), await count('failed')]).toEqual([0, 0, 1]);
    passTime(3 * 24 * 60 * MINUTE_MS);
    expect(await claimMail()).toBeNull();
  });

  it('is the last one after about two days', async () => {
    const server = await mailServer();
    server.onRecipient = () => 450;
    const { count } = worker(server.url);
    await queue(resetFor(freshEmail()));
    for (let attempt = 1; attempt < MAX_TRIES; attempt += 1) {
      await until(`try ${attempt} is over`, async () => (await count('retried')) === attempt);
      passTime(8 * 60 * MINUTE_MS);
    }
    await until('it is given up', async () => (await count('failed')) === 1);
    const record = await onlyRecord();
    expect(record).toMatchObject({ attempts: MAX_TRIES, failedAt: new Date(), failure: 'EENVELOPE 450' });
    expect(record).not.toHaveProperty('dueAt');
  });

  it('is not made when its link is dead by then', async () => {
    await queue(resetFor(freshEmail(), { validForSeconds: 900 }));
    passTime(15 * MINUTE_MS);
    const server = await mailServer();
    worker(server.url);
    await until('it is given up', async () => (await onlyRecord()).failedAt);
    expect(await onlyRecord()).toMatchObject({ failure: 'link-expired' });
    expect(server.received).toEqual([]);
  });

  it('is made again by an instance that knows the key', async () => {
    const server = await mailServer();
    const stranger = worker(server.url, { keyring: parseKeyring(generateKeyringSpec()) });
    await queue(resetFor(freshEmail()));
    await until('it has been put off', async () => (await onlyRecord()).failure);
    expect(await onlyRecord()).toMatchObject({ failure: 'undecryptable' });
    await stranger.delivery.stop();
    passTime(2 * MINUTE_MS);
    worker(server.url);
    await until('it has arrived', () => server.received.length === 1);
  });

  it('is the last one for what is no mail at all', async () => {
    const server = await mailServer();
    worker(server.url);
    await queue(resetFor('ada@example.com, eve@example.com'));
    await queue(resetFor(freshEmail(), { link: 'javascript:alert(1)' }));
    await until('both are given up', async () => (await Outbox.countDocuments({ failure: 'malformed' })) === 2);
    expect(server.received).toEqual([]);
  });
});
