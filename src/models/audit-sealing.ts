import type { AnyBulkWriteOperation, ClientSession, Document, WithId } from 'mongodb';
import type { Types } from 'mongoose';
import { transaction } from '../database.ts';
import { isDuplicateKey } from '../database-errors.ts';
import { ERRORS } from '../errors.ts';
import { eventHash, GENESIS, rootOf, type SealedFacts, sealHash } from '../lib/audit-hash.ts';
import type { Keyring } from '../lib/keyring.ts';
import { AuditEvent } from './audit-event.ts';
import { conceal } from './audit-personal.ts';
import { AuditSeal, type AuditSealRecord, macOf } from './audit-seal.ts';

/** One transaction each: as many as a database takes at once without others having to wait. */
const BATCH = 500;

const DAY_MS = 86_400_000;

export interface SealingOptions {
  readonly keyring: Keyring;
  readonly retentionDays: number;
}

type StoredEvent = WithId<Document> & { readonly _id: Types.ObjectId; readonly at: Date };

/**
 * Seals the oldest events that no seal covers yet, as many as fit one batch. Which those are is told by the events
 * themselves, never by an id or a time that was reached: a transaction commits long after it has chosen both.
 * @returns the seal; null when nothing was left, `overtaken` when somebody else sealed at the same time
 */
export async function sealBatch(options: SealingOptions): Promise<AuditSealRecord | null | 'overtaken'> {
  try {
    return await transaction((tx) => seal(tx, options));
  } catch (error) {
    if (isDuplicateKey(error)) return 'overtaken';
    throw error;
  }
}

async function seal(tx: ClientSession, { keyring, retentionDays }: SealingOptions): Promise<AuditSealRecord | null> {
  const unsealed = (await AuditEvent.collection
    .find({ sealId: null }, { session: tx, hint: { sealId: 1, _id: 1 } })
    .sort({ _id: 1 })
    .limit(BATCH)
    .toArray()) as StoredEvent[];
  if (unsealed.length === 0) return null;
  const batch = unsealed.map((event) => ({ before: event, after: withoutClearValues(event, keyring) }));
  const previous = await AuditSeal.findOne({}, { hash: 1 }, { session: tx }).sort({ _id: -1 }).hint({ _id: 1 }).lean();
  const made = sealOver(
    batch.map(({ after }) => after),
    previous,
    { keyring, retentionDays },
  );
  await AuditSeal.collection.insertOne(made as never, { session: tx });
  await mark(tx, batch, made._id);
  return made;
}

function sealOver(
  events: readonly StoredEvent[],
  previous: { _id: number; hash: string } | null,
  { keyring, retentionDays }: SealingOptions,
): AuditSealRecord {
  const eventIds = events.map(({ _id }) => _id);
  const eventHashes = events.map(eventHash);
  const times = events.map(({ at }) => at.getTime());
  const lastAt = Math.max(...times);
  const facts: SealedFacts = {
    _id: (previous?._id ?? 0) + 1,
    previousHash: previous?.hash ?? GENESIS,
    root: rootOf(eventIds, eventHashes),
    count: events.length,
    sealedAt: new Date(),
    firstAt: new Date(Math.min(...times)),
    lastAt: new Date(lastAt),
    keepUntil: new Date(lastAt + retentionDays * DAY_MS),
  };
  const hash = sealHash(facts);
  return { ...facts, eventIds, eventHashes, hash, keyId: keyring.keyIds[0] ?? '', mac: macOf(keyring, hash) };
}

type Batch = readonly { readonly before: StoredEvent; readonly after: StoredEvent }[];

/** @throws when an event of the batch is not there any more as it was read; then the seal is not there either */
async function mark(tx: ClientSession, batch: Batch, sealId: number): Promise<void> {
  const as = batch.filter(({ before, after }) => before === after).map(({ before }) => before._id);
  const changed = batch.filter(({ before, after }) => before !== after);
  const operations: AnyBulkWriteOperation<Document>[] = [
    { updateMany: { filter: { _id: { $in: as }, sealId: null }, update: { $set: { sealId } } } },
    ...changed.map(({ before, after }) => ({
      updateOne: { filter: { _id: before._id, sealId: null }, update: changeOf(before, { ...after, sealId }) },
    })),
  ];
  const { matchedCount } = await AuditEvent.collection.bulkWrite(operations as never, { session: tx });
  if (matchedCount !== batch.length) throw new Error(`${matchedCount} of ${batch.length} audit events could be sealed`);
}

/** What makes the one of the other. */
function changeOf(before: Document, after: Document): Document {
  const gone = Object.keys(before).filter((path) => !(path in after));
  const set = Object.entries(after).filter(([path, value]) => before[path] !== value);
  return { $set: Object.fromEntries(set), $unset: Object.fromEntries(gone.map((path) => [path, 1])) };
}

/** Earlier versions wrote addresses, agents and what admins gave as their reason in clear: from now on encrypted. */
function withoutClearValues(event: StoredEvent, keyring: Keyring): StoredEvent {
  const { ip, userAgent, reason, ...others } = event;
  const isCode = typeof reason === 'string' && Object.hasOwn(ERRORS, reason);
  const clear = { ip, userAgent, note: isCode ? undefined : reason };
  if (Object.values(clear).every((value) => value === undefined)) return event;
  return { ...others, ...(isCode && { reason }), ...conceal(keyring, event._id, clear) } as StoredEvent;
}
