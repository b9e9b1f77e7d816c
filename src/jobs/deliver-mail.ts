import type { FastifyBaseLogger } from 'fastify';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import type { Catalogue } from '../lib/mail/catalogue.ts';
import { compose } from '../lib/mail/compose.ts';
import type { Mail } from '../lib/mail/messages.ts';
import { render } from '../lib/mail/render.ts';
import { DELIVERIES_AT_ONCE, DeliveryError, type MailTransport } from '../lib/mail/transport.ts';
import type { Metrics } from '../metrics.ts';
import {
  type ClaimedMail,
  claimMail,
  mailOf,
  markFailed,
  markSent,
  onMailQueued,
  SEND_TIMEOUT_MS,
} from '../models/outbox.ts';

/** How often due mail is looked for: retries, and what another process put into the outbox. */
const POLL_MS = 2_000;

/** When the service stops, mail that is on its way may take this long; then it is cut off, and retried later. */
const STOP_GRACE_MS = 5_000;

interface DeliveryOptions {
  readonly keyring: Keyring;
  readonly transport: MailTransport;
  readonly catalogue: Catalogue;
  readonly service: string;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'mails'>;
  readonly pollMs?: number;
  readonly stopGraceMs?: number;
}

/**
 * Delivers the mail of the outbox, as soon as it is due. Any number of instances may do so at once: each mail is
 * claimed for a while by one of them. A mail that was taken by the server in the moment that this process died is sent
 * again, with the same Message-ID.
 */
export class MailDelivery {
  readonly #options: DeliveryOptions;
  readonly #slots = new Set<Promise<void>>();
  readonly #cutOff = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #forget = (): void => {};
  #stopped = false;
  #failing = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  start(): void {
    this.#forget = onMailQueued(() => this.#wake());
    this.#timer = setInterval(() => this.#wake(), this.#options.pollMs ?? POLL_MS).unref();
    this.#wake();
  }

  /** Claims no more, and waits for what is on its way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#forget();
    clearInterval(this.#timer);
    const cutOff = setTimeout(() => this.#cutOff.abort(), this.#options.stopGraceMs ?? STOP_GRACE_MS);
    await Promise.all(this.#slots);
    clearTimeout(cutOff);
    await this.#options.transport.close();
  }

  /** One more slot looks for mail, unless all of them are at it: they go on until there is none. */
  #wake(): void {
    if (this.#stopped || this.#slots.size >= DELIVERIES_AT_ONCE) return;
    const slot = this.#work().finally(() => this.#slots.delete(slot));
    this.#slots.add(slot);
  }

  async #work(): Promise<void> {
    try {
      for (let mail = await claimMail(); mail; mail = this.#stopped ? null : await claimMail()) {
        this.#wake();
        await this.#deliver(mail);
      }
      this.#failing = false;
    } catch (error) {
      // One line for each outage of the database, not one for each time it is asked.
      if (!this.#failing) this.#options.log.error({ err: error }, 'mail waits: the outbox cannot be read or written');
      this.#failing = true;
    }
  }

  async #deliver(claimed: ClaimedMail): Promise<void> {
    try {
      await this.#send(claimed);
    } catch (error) {
      return this.#failed(claimed, error instanceof DeliveryError ? error : unsendable(error));
    }
    const inTime = await markSent(claimed);
    this.#tell(claimed, 'sent');
    if (!inTime) this.#options.log.warn(fieldsOf(claimed), 'mail was sent after its lease, and may leave twice');
  }

  async #send(claimed: ClaimedMail): Promise<void> {
    const { keyring, transport, catalogue, service } = this.#options;
    const mail = mailOf(keyring, claimed);
    if (hasExpired(mail, claimed.createdAt)) throw new DeliveryError('link-expired', true);
    const rendered = render(compose(mail, catalogue, service));
    const { _id, template, createdAt } = claimed;
    const outgoing = { ...rendered, id: _id.toHexString(), template, to: mail.to, date: createdAt };
    await this.#inTime((signal) => transport.send(outgoing, signal));
  }

  /** Cuts `work` off when its time is over, or when the service stops and can wait no longer. */
  async #inTime(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = setTimeout(abort, SEND_TIMEOUT_MS);
    this.#cutOff.signal.addEventListener('abort', abort);
    if (this.#cutOff.signal.aborted) abort();
    try {
      await work(controller.signal);
    } finally {
      clearTimeout(timer);
      this.#cutOff.signal.removeEventListener('abort', abort);
    }
  }

  async #failed(claimed: ClaimedMail, error: DeliveryError): Promise<void> {
    const outcome = await markFailed(claimed, error);
    this.#tell(claimed, outcome, error);
  }

  #tell(claimed: ClaimedMail, outcome: 'sent' | 'retried' | 'failed', error?: DeliveryError): void {
    const { log, metrics } = this.#options;
    metrics.mails.inc({ template: claimed.template, outcome });
    const fields = { ...fieldsOf(claimed), ...(error && { code: error.code, err: error }) };
    if (outcome === 'sent') log.info(fields, 'mail sent');
    else if (outcome === 'retried') log.warn(fields, 'mail not sent, will be tried again');
    else log.error(fields, 'mail given up');
  }
}

/** By its id the mail is found in the outbox, and in the log of the mail server: it is in the Message-ID. */
const fieldsOf = ({ _id, template, attempts }: ClaimedMail) => ({ mail: _id.toHexString(), template, attempts });

/** What this keyring does not open may be opened by one that knows a newer key; what is no mail will never be one. */
const unsendable = (cause: unknown): DeliveryError =>
  cause instanceof DecryptionError
    ? new DeliveryError('undecryptable', false, { cause })
    : new DeliveryError('malformed', true, { cause });

/** A dead link would only make its reader ask what is wrong. */
function hasExpired({ data }: Mail, createdAt: Date): boolean {
  const seconds = 'validForSeconds' in data ? data.validForSeconds : undefined;
  return seconds !== undefined && createdAt.getTime() + seconds * 1000 <= Date.now();
}
