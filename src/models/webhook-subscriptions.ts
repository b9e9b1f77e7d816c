/**
 * What enabled endpoints want to hear of, as this process knows it: every sign-in asks, and none of them should cost a
 * query for that.
 */
import type { ClientSession, Types } from 'mongoose';
import type { WebhookEventType } from '../lib/webhooks/catalogue.ts';
import { Webhook, type WebhookRecord } from './webhook.ts';

/**
 * What another process changed is known after this long, so an endpoint hears of what happens from then on. A running
 * service looks more often than that (`deliver-webhooks.ts`), so that no request has to.
 */
const MAX_AGE_MS = 5_000;

/** An enabled endpoint and its choice. */
export type Subscription = Pick<WebhookRecord, '_id' | 'events'>;

let known: { readonly at: number; readonly subscriptions: readonly Subscription[] } | undefined;
/** Counts what made the knowledge void: a query that began before does not count as knowledge afterwards. */
let voided = 0;

/** Forgets what is known once a transaction that changes endpoints has ended. */
export const forgetSubscriptionsAfter = (tx: ClientSession): void => void tx.once('ended', forgetSubscriptions);

export function forgetSubscriptions(): void {
  voided += 1;
  known = undefined;
}

/** Reads what enabled endpoints want to hear of. */
export async function readSubscriptions(): Promise<readonly Subscription[]> {
  const [before, at] = [voided, Date.now()];
  const subscriptions = await Webhook.find({ enabled: true }, { events: 1 }).sort({ _id: 1 }).lean<Subscription[]>();
  if (before === voided) known = { at, subscriptions };
  return subscriptions;
}

async function currentSubscriptions(): Promise<readonly Subscription[]> {
  const age = Date.now() - (known?.at ?? 0);
  // A clock that was set back must not make it last.
  return known && age >= 0 && age < MAX_AGE_MS ? known.subscriptions : readSubscriptions();
}

const hears = ({ events }: Pick<Subscription, 'events'>, type: WebhookEventType): boolean =>
  events.length === 0 || events.includes(type);

/** Of these types, those that anybody wants to hear of. */
export async function wantedOf<T extends { readonly type: WebhookEventType }>(events: readonly T[]): Promise<T[]> {
  if (events.length === 0) return [];
  const subscriptions = await currentSubscriptions();
  return events.filter(({ type }) => subscriptions.some((each) => hears(each, type)));
}

/** The endpoints that hear of a type, as the transaction sees them. */
export async function listenersOf(tx: ClientSession, type: WebhookEventType): Promise<Types.ObjectId[]> {
  const enabled = await Webhook.find({ enabled: true }, { events: 1 })
    .session(tx)
    .sort({ _id: 1 })
    .lean<Subscription[]>();
  return enabled.filter((each) => hears(each, type)).map(({ _id }) => _id);
}
