import { eventHash, rootOf, sealHash } from '../lib/audit-hash.ts';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import type { AuditEventRecord } from '../models/audit-event.ts';
import { reveal } from '../models/audit-personal.ts';
import { type AuditSealRecord, macHolds } from '../models/audit-seal.ts';
import type { Verified } from './findings.ts';

/** What a seal says of itself, and whether it follows the one before. */
export function examineSeal(
  seal: AuditSealRecord,
  previousHash: string | undefined,
  keyring: Keyring,
  verified: Verified,
): void {
  const { _id, eventIds, eventHashes } = seal;
  const listed = eventIds != null && eventHashes != null;
  const lists = listed
    ? eventIds.length === seal.count && rootOf(eventIds, eventHashes) === seal.root
    : eventIds == null && eventHashes == null && hasExpired(seal);
  if (!lists || sealHash(seal) !== seal.hash) verified.add('seal-altered', _id);
  else if (macHolds(keyring, seal) === false) verified.add('seal-forged', _id);
  verified.seals += 1;
  if (!listed) verified.expired += 1;
  // Where the one before is missing, that is what has been found.
  if (previousHash !== undefined && seal.previousHash !== previousHash) verified.add('seal-unlinked', _id);
}

/** Whoever deletes events may call it an expiry; but no batch goes before its time. */
const hasExpired = ({ expiredAt, keepUntil }: AuditSealRecord): boolean =>
  expiredAt != null && expiredAt >= keepUntil && expiredAt.getTime() <= Date.now();

/** Whether the events that name a seal are those that it lists, as they were. */
export function examineEvents(
  { _id: seal, eventIds, eventHashes }: AuditSealRecord,
  events: readonly AuditEventRecord[],
  keyring: Keyring,
  verified: Verified,
): void {
  const expected = new Map((eventIds ?? []).map((id, index) => [String(id), eventHashes?.[index]]));
  for (const event of events) {
    const id = String(event._id);
    if (!expected.has(id)) verified.add('event-inserted', seal, id);
    else if (expected.get(id) !== eventHash(event)) verified.add('event-altered', seal, id);
    else if (!isGenuine(event, keyring)) verified.add('personal-altered', seal, id);
    expected.delete(id);
    verified.events += 1;
    if (event.commitment != null && event.personal == null) verified.erased += 1;
  }
  for (const id of expected.keys()) verified.add('event-deleted', seal, id);
}

function isGenuine(event: AuditEventRecord, keyring: Keyring): boolean {
  try {
    return reveal(keyring, event).genuine;
  } catch (error) {
    if (error instanceof DecryptionError || error instanceof SyntaxError) return false;
    throw error;
  }
}
