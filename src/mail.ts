import { join, resolve } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from './config.ts';
import { MailDelivery } from './jobs/deliver-mail.ts';
import { fileTransport } from './lib/mail/file-transport.ts';
import { CATALOGUES } from './lib/mail/locales/index.ts';
import { senderOf } from './lib/mail/mailbox.ts';
import { smtpTransport } from './lib/mail/smtp-transport.ts';
import { parseSmtpUrl } from './lib/mail/smtp-url.ts';
import type { MailTransport } from './lib/mail/transport.ts';
import { overdueMs } from './models/outbox.ts';
import type { App } from './types/fastify.ts';

/** What becomes of mail in this process. */
export interface MailService {
  /** Where mail goes, for people. */
  readonly destination: string;
  start(): void;
  /** Waits for what is being sent. */
  stop(): Promise<void>;
}

/** Nothing leaves before `start`. In production without SMTP_URL mail waits, since nobody would find it in a file. */
export function openMail({ config, deps, metrics, log }: App): MailService {
  metrics.watchAge('mail', overdueMs);
  const transport = transportOf(config, log);
  if (!transport) {
    const start = () => log.error('mail is not sent: it waits in the outbox until SMTP_URL is set');
    return { destination: 'NOT SENT. It waits in the database until SMTP_URL is set', start, stop: async () => {} };
  }
  const delivery = new MailDelivery({
    keyring: deps.keyring,
    transport,
    catalogue: CATALOGUES[config.MAIL_LOCALE],
    service: config.SERVICE_NAME,
    log,
    metrics,
  });
  return {
    destination: transport.destination,
    start: () => delivery.start(),
    stop: () => delivery.stop(),
  };
}

function transportOf(config: Config, log: Pick<FastifyBaseLogger, 'info'>): MailTransport | undefined {
  if (config.SMTP_URL !== undefined) return smtpTransport(parseSmtpUrl(config.SMTP_URL), senderOf(config));
  if (config.NODE_ENV === 'production') return undefined;
  const directory = join(resolve(config.DATA_DIRECTORY), 'mail');
  return fileTransport(directory, senderOf(config), (file) => log.info({ file }, 'mail written to a file'));
}
