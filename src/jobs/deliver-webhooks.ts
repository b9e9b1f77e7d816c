import type { Types } from 'mongoose';
import { claimDelivery } from '../models/webhook-delivery.ts';
import { onWebhookEvent } from '../models/webhook-event.ts';
import { handOutEvent, type ViewOfUser } from '../models/webhook-fan-out.ts';
import { readSubscriptions } from '../models/webhook-subscriptions.ts';
import { type TryOptions, WebhookTries } from './webhook-tries.ts';

/**
 * How often it is looked for events, for deliveries that are due, and for endpoints that another process changed: less
 * than what requests know of endpoints may be old, so that they need not look themselves.
 */
const POLL_MS = 2_000;

/** When the service stops, what is on its way may take this long; then it is cut off, and tried again later. */
const STOP_GRACE_MS = 5_000;

/** Deliveries to one endpoint at the same time. Each has slots of its own: one that hangs holds up no other. */
const AT_ONCE = 3;

interface DispatcherOptions extends TryOptions {
  /** An account as payloads show it. */
  readonly viewOfUser: ViewOfUser;
  readonly pollMs?: number;
  readonly stopGraceMs?: number;
}

/**
 * Tells endpoints of other services what happened, as soon as it has. Any number of instances may do so at once: each
 * delivery is claimed for a while by one of them. What was taken by an endpoint in the moment that this process died is
 * sent again, with the same `webhook-id`.
 */
export class WebhookDispatcher {
  readonly #options: DispatcherOptions;
  readonly #tries: WebhookTries;
  /** By endpoint, what is under way there. */
  readonly #lanes = new Map<string, Set<Promise<void>>>();
  readonly #cutOff = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #forget = (): void => {};
  #stopped = false;
  #failing = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#tries = new WebhookTries(options, this.#cutOff.signal);
  }

  start(): void {
    this.#forget = onWebhookEvent(() => this.#wake());
    this.#timer = setInterval(() => this.#wake(), this.#options.pollMs ?? POLL_MS).unref();
    this.#wake();
  }

  /** Claims no more, and waits for what is on its way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#forget();
    clearInterval(this.#timer);
    const cutOff = setTimeout(() => this.#cutOff.abort(), this.#options.stopGraceMs ?? STOP_GRACE_MS);
    await this.#looking;
    await Promise.all([...this.#lanes.values()].flatMap((slots) => [...slots]));
    clearTimeout(cutOff);
  }

  /** Looks for work; whoever comes meanwhile makes it look once more. */
  #wake(): void {
    if (this.#stopped) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      // Between its last look and now.
      if (this.#lookAgain) this.#wake();
    });
  }

  async #look(): Promise<void> {
    await this.#guarded(async () => {
      while (this.#lookAgain && !this.#stopped) {
        this.#lookAgain = false;
        while (!this.#stopped && (await handOutEvent(this.#options.keyring, this.#options.viewOfUser)));
        for (const { _id } of await readSubscriptions()) this.#work(_id);
      }
    });
  }

  /** One more slot of an endpoint looks for what is due, unless all of them are at it: they go on until there is none. */
  #work(webhookId: Types.ObjectId): void {
    const id = webhookId.toHexString();
    const slots = this.#lanes.get(id) ?? new Set();
    this.#lanes.set(id, slots);
    if (this.#stopped || slots.size >= AT_ONCE) return;
    const slot = this.#guarded(() => this.#deliver(webhookId)).finally(() => {
      slots.delete(slot);
      if (slots.size === 0) this.#lanes.delete(id);
    });
    slots.add(slot);
  }

  async #deliver(webhookId: Types.ObjectId): Promise<void> {
    for (
      let claimed = await claimDelivery(webhookId);
      claimed;
      claimed = this.#stopped ? null : await claimDelivery(webhookId)
    ) {
      this.#work(webhookId);
      const goesOn = await this.#tries.make(claimed);
      if (!goesOn) return;
    }
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failing = false;
    } catch (error) {
      this.#lookAgain = false;
      // One line for each outage of the database, not one for each time it is asked.
      if (!this.#failing)
        this.#options.log.error({ err: error }, 'webhooks wait: their deliveries cannot be read or written');
      this.#failing = true;
    }
  }
}
