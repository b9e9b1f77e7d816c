import type { FastifyBaseLogger } from 'fastify';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { WebhookError } from '../lib/webhooks/errors.ts';
import { type Answer, post } from '../lib/webhooks/post.ts';
import { retryAfterMs } from '../lib/webhooks/retries.ts';
import { signedHeaders } from '../lib/webhooks/signature.ts';
import { readTarget, type TargetPolicy } from '../lib/webhooks/target.ts';
import type { Metrics } from '../metrics.ts';
import { signingSecrets, Webhook, type WebhookRecord } from '../models/webhook.ts';
import {
  type ClaimedDelivery,
  markDelivered,
  markUndelivered,
  releaseDelivery,
  TRY_TIMEOUT_MS,
} from '../models/webhook-delivery.ts';
import { openPayload, WebhookEvent } from '../models/webhook-event.ts';
import { disableWebhook, noteFailure, noteSuccess } from '../models/webhook-health.ts';

const USER_AGENT = 'Roster-Webhooks/1';

/** By this answer an endpoint says that it is not there any more. */
const GONE = 410;

/** By these an endpoint says when to come back. */
const COME_BACK_LATER: ReadonlySet<number> = new Set([429, 503]);

/** How an endpoint took what it was sent; `failure` is a code, absent where it took it well. */
interface Taken {
  readonly status?: number;
  readonly failure?: string;
  readonly permanent?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly excerpt?: string | undefined;
}

export interface TryOptions {
  readonly keyring: Keyring;
  readonly targets: TargetPolicy;
  /** An endpoint to which nothing has got through for so long is disabled. */
  readonly patienceMs: number;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'webhooks'>;
}

/** Tries deliveries, one at a time for each claim, and keeps how they went. */
export class WebhookTries {
  readonly #options: TryOptions;
  readonly #cutOff: AbortSignal;

  constructor(options: TryOptions, cutOff: AbortSignal) {
    this.#options = options;
    this.#cutOff = cutOff;
  }

  /** @returns whether more may be sent to this endpoint */
  async make(claimed: ClaimedDelivery): Promise<boolean> {
    const webhook = await Webhook.findById(claimed.webhookId).lean<WebhookRecord>();
    if (!webhook?.enabled) {
      await releaseDelivery(claimed);
      return false;
    }
    const at = new Date();
    const begun = performance.now();
    const taken = await this.#send(claimed, webhook, at);
    const tried = { at, durationMs: Math.round(performance.now() - begun), ...taken };
    return taken.failure === undefined
      ? this.#delivered(claimed, webhook, tried)
      : this.#undelivered(claimed, webhook, { ...tried, failure: taken.failure });
  }

  async #send(claimed: ClaimedDelivery, webhook: WebhookRecord, at: Date): Promise<Taken> {
    const { keyring, targets } = this.#options;
    // What was allowed when it was chosen need not be allowed any more.
    const target = readTarget(webhook.url, targets);
    if ('problem' in target) return { failure: target.problem };
    const event = await WebhookEvent.findById(claimed.eventId, { payload: 1 }).lean();
    if (event?.payload == null) return { failure: 'event-gone', permanent: true };
    try {
      const body = openPayload(keyring, event);
      const signed = signedHeaders(webhookId(claimed), at, body, signingSecrets(keyring, webhook, at));
      const headers = { ...signed, 'content-type': 'application/json', 'user-agent': USER_AGENT };
      const signal = AbortSignal.any([AbortSignal.timeout(TRY_TIMEOUT_MS), this.#cutOff]);
      return takenAs(await post({ url: target.url, headers, body }, targets, signal));
    } catch (error) {
      if (error instanceof WebhookError) return { failure: error.code };
      // What this keyring does not open may be opened by one that knows a newer key.
      if (error instanceof DecryptionError) return { failure: 'undecryptable' };
      throw error;
    }
  }

  async #delivered(claimed: ClaimedDelivery, webhook: WebhookRecord, tried: Parameters<typeof markDelivered>[1]) {
    const { at, durationMs, status } = tried;
    const inTime = await markDelivered(claimed, { at, durationMs, ...(status !== undefined && { status }) });
    this.#tell(claimed, 'delivered', tried);
    if (!inTime)
      this.#options.log.warn(fieldsOf(claimed), 'webhook was delivered after its lease, and may arrive twice');
    await noteSuccess(webhook);
    return true;
  }

  async #undelivered(claimed: ClaimedDelivery, webhook: WebhookRecord, tried: Parameters<typeof markUndelivered>[2]) {
    const { keyring, patienceMs } = this.#options;
    // Before anybody may try again: a success that comes next would be overtaken by the note of what failed before it.
    const exhausted = !FAULTLESS.has(tried.failure) && (await noteFailure(webhook, patienceMs));
    this.#tell(claimed, await markUndelivered(keyring, claimed, tried), tried);
    if (tried.status === GONE) return !(await this.#disable(webhook, 'gone'));
    return !(exhausted && (await this.#disable(webhook, 'failing')));
  }

  async #disable({ _id }: WebhookRecord, reason: 'failing' | 'gone'): Promise<boolean> {
    const disabled = await disableWebhook(this.#options.keyring, _id, reason);
    if (disabled) this.#options.log.error({ webhook: _id.toHexString(), code: reason }, 'webhook endpoint disabled');
    return true;
  }

  #tell(
    claimed: ClaimedDelivery,
    outcome: 'delivered' | 'retried' | 'failed',
    { status, failure, durationMs }: Taken & { readonly durationMs: number },
  ): void {
    const { log, metrics } = this.#options;
    metrics.webhooks.inc({ event: claimed.type, outcome });
    const went = {
      ms: durationMs,
      ...(status !== undefined && { status }),
      ...(failure !== undefined && { code: failure }),
    };
    const fields = { ...fieldsOf(claimed), ...went };
    if (outcome === 'delivered') log.info(fields, 'webhook delivered');
    else if (outcome === 'retried') log.warn(fields, 'webhook not delivered, will be tried again');
    else log.error(fields, 'webhook given up');
  }
}

/** The service itself stopped, or lost its key or the event; what is gone is turned off whatever it did before. */
const FAULTLESS: ReadonlySet<string> = new Set(['stopped', 'undecryptable', 'event-gone', 'gone']);

/** The same at each try and after a replay, so that a receiver knows what it has seen. */
const webhookId = ({ eventId }: ClaimedDelivery): string => `evt_${eventId.toHexString()}`;

/** Never the address: its path may be a secret of the receiver. */
const fieldsOf = ({ _id, webhookId: id, type, attempts }: ClaimedDelivery) => ({
  webhook: id.toHexString(),
  delivery: _id.toHexString(),
  event: type,
  attempts,
});

function takenAs({ status, retryAfter, excerpt }: Answer): Taken {
  if (status >= 200 && status < 300) return { status };
  const redirect = status >= 300 && status < 400;
  return {
    status,
    failure: redirect ? 'redirect' : status === GONE ? 'gone' : 'refused',
    permanent: status === GONE,
    excerpt,
    ...(COME_BACK_LATER.has(status) && { retryAfterMs: retryAfterMs(retryAfter) }),
  };
}
