import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { TEST_EVENT } from '../lib/webhooks/catalogue.ts';
import { User, type UserRecord } from './user.ts';
import { enqueueDeliveries } from './webhook-delivery.ts';
import { sealPayload, WebhookEvent, type WebhookEventRecord } from './webhook-event.ts';
import { listenersOf } from './webhook-subscriptions.ts';

/** Whoever hands out an event has this long; then it is anybody's again. */
const LEASE_MS = 30_000;

/** The wire form of an account. */
export type ViewOfUser = (keyring: Keyring, user: UserRecord) => object;

type ClaimedEvent = WebhookEventRecord & { readonly dueAt: Date };

const dueBy = (now: Date) => ({ dueAt: { $exists: true, $lte: now } });

/** Takes the event that has been due the longest. Of several at once, one gets it. */
const claimEvent = (now: Date): Promise<ClaimedEvent | null> =>
  WebhookEvent.findOneAndUpdate(
    dueBy(now),
    { $set: { dueAt: new Date(now.getTime() + LEASE_MS) } },
    { sort: { dueAt: 1 }, returnDocument: 'after' },
  ).lean<ClaimedEvent>();

/**
 * Hands the oldest event that is due out to the endpoints that hear of it: composes what is sent, once, and begins one
 * delivery for each of them.
 * @returns whether there was one
 */
export async function handOutEvent(keyring: Keyring, view: ViewOfUser): Promise<boolean> {
  const event = await claimEvent(new Date());
  if (!event) return false;
  await transaction(async (tx) => {
    const listeners = event.type === TEST_EVENT ? [] : await listenersOf(tx, event.type);
    const sealed = sealPayload(keyring, event._id, await payloadOf(event, keyring, view));
    const { matchedCount } = await WebhookEvent.updateOne(
      { _id: event._id, dueAt: event.dueAt },
      { $set: sealed, $unset: { dueAt: 1 } },
      { session: tx },
    );
    // Somebody else took it when the lease was over.
    if (matchedCount === 1) await enqueueDeliveries(tx, event, listeners);
  });
  return true;
}

/** What is sent: an account as it is now, and null when it is gone. */
async function payloadOf(event: WebhookEventRecord, keyring: Keyring, view: ViewOfUser) {
  const { type, at, userId } = event;
  const data = { userId: userId?.toHexString(), ...(await detailsOf(event, (user) => view(keyring, user))) };
  return { type, timestamp: at.toISOString(), data };
}

async function detailsOf(
  { type, userId, sessionId, changes }: WebhookEventRecord,
  view: (user: UserRecord) => object,
): Promise<object> {
  if (type === 'session.created') return {};
  if (type === 'session.ended') return { sessionId: sessionId?.toHexString() ?? null };
  const user = userId && (await User.findById(userId).lean<UserRecord>());
  return { user: user ? view(user) : null, changes: changes ?? [] };
}

/** For how long the event that has been due the longest has waited to be handed out. */
export async function handOutOverdueMs(now: Date, timeoutMS: number): Promise<number> {
  const longest = await WebhookEvent.collection.findOne<{ dueAt: Date }>(dueBy(now), {
    sort: { dueAt: 1 },
    projection: { dueAt: 1 },
    timeoutMS,
  });
  return longest ? now.getTime() - longest.dueAt.getTime() : 0;
}
