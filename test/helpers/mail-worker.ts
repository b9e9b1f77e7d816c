import { afterAll, afterEach, beforeAll } from 'vitest';
import { transaction } from '../../src/database.ts';
import { MailDelivery } from '../../src/jobs/deliver-mail.ts';
import { CATALOGUES } from '../../src/lib/mail/locales/index.ts';
import type { Mail } from '../../src/lib/mail/messages.ts';
import { smtpTransport } from '../../src/lib/mail/smtp-transport.ts';
import { parseSmtpUrl } from '../../src/lib/mail/smtp-url.ts';
import { createMetrics } from '../../src/metrics.ts';
import { enqueueMail, Outbox } from '../../src/models/outbox.ts';
import { buildTestApp, freshDatabaseUri, type TestApp } from './app.ts';
import { stopTheClock } from './clock.ts';
import { DatabaseProxy } from './database-proxy.ts';
import { MailServer } from './mail-server.ts';
import { freshEmail } from './people.ts';

export const FROM = { name: 'Roster', address: 'accounts@example.com' };

const SOON_MS = 20;

export const resetFor = (to: string, more: { validForSeconds?: number; link?: string } = {}): Mail => ({
  template: 'reset-password',
  to,
  data: { link: 'https://accounts.example.com/reset#token', ...more },
});

/** The only record of the outbox. */
export async function onlyRecord() {
  const [record, ...more] = await Outbox.find().lean();
  if (!record || more.length > 0) throw new Error('not one record');
  return record;
}

interface Worker {
  readonly delivery: MailDelivery;
  /** What it has logged. */
  readonly lines: string[];
  /** How many tries ended so. */
  readonly count: (outcome: string) => Promise<number>;
}

/**
 * For the tests of a file: a stopped clock, an outbox that is empty before each test, and workers and mail servers that
 * end with it.
 */
export function useMailWorkers() {
  stopTheClock();
  let proxy: DatabaseProxy;
  let service: TestApp;
  const opened: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    proxy = await DatabaseProxy.open(freshDatabaseUri());
    service = await buildTestApp({ MONGODB_URI: proxy.uri });
  });
  afterEach(async () => {
    proxy.mend();
    for (const close of opened.splice(0)) await close();
    await Outbox.deleteMany({});
  });
  afterAll(async () => {
    await service.close();
    proxy.close();
  }, 120_000);

  return {
    /** Between the service and its database. */
    proxy: () => proxy,
    keyring: () => service.deps.keyring,

    async mailServer(port = 0): Promise<MailServer> {
      const server = await MailServer.open({ port });
      opened.push(() => server.close());
      return server;
    },

    /** One process that delivers mail. */
    worker(url: string, options: Partial<ConstructorParameters<typeof MailDelivery>[0]> = {}): Worker {
      const lines: string[] = [];
      const say = (_fields: unknown, message = '') => void lines.push(message);
      const metrics = createMetrics(service.deps);
      const delivery = new MailDelivery({
        keyring: service.deps.keyring,
        transport: smtpTransport(parseSmtpUrl(url), FROM),
        catalogue: CATALOGUES.en,
        service: 'Roster',
        log: { info: say, warn: say, error: say } as never,
        metrics,
        pollMs: SOON_MS,
        ...options,
      });
      delivery.start();
      opened.unshift(() => delivery.stop());
      const count = async (outcome: string) =>
        (await metrics.mails.get()).values
          .filter(({ labels }) => labels.outcome === outcome)
          .reduce((sum, { value }) => sum + value, 0);
      return { delivery, lines, count };
    },

    queue: (mail: Mail): Promise<void> => transaction((tx) => enqueueMail(tx, service.deps.keyring, mail)),

    queueMany: (count: number): Promise<void> =>
      transaction(async (tx) => {
        for (let n = 0; n < count; n += 1) await enqueueMail(tx, service.deps.keyring, resetFor(freshEmail()));
      }),
  };
}
