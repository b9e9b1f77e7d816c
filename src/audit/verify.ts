import { setImmediate as nextTurn } from 'node:timers/promises';
import { GENESIS } from '../lib/audit-hash.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { AuditEventRecord } from '../models/audit-event.ts';
import { type AuditSealRecord, macHolds, newestSeal } from '../models/audit-seal.ts';
import { countUnsealed, eventsOfSeals, findSeal, sealsFrom, strayEvents } from '../models/audit-walk.ts';
import { examineEvents, examineSeal } from './examine.ts';
import { Verified } from './findings.ts';

/** Seals that are read at a time, and events: others want an answer meanwhile. */
const PAGE = 50;
const EVENTS = 2_000;

/** A seal as it may be noted outside of the database. */
export interface Anchor {
  readonly number: number;
  readonly hash: string;
}

export interface VerificationOptions {
  readonly keyring: Keyring;
  /** The number of the first seal to look at. */
  readonly from?: number;
  /** How many seals to look at; without it, all. */
  readonly limit?: number;
  /** After so long it stops, in milliseconds; without it, never. */
  readonly maxMs?: number;
  readonly onSeals?: (count: number) => void;
}

export interface Verification {
  readonly verified: Verified;
  /** The number of the seal to go on with; null when the last one has been looked at. */
  readonly next: number | null;
  /** The newest seal, to be noted elsewhere: it stands for all that was sealed before. */
  readonly head: Anchor | null;
  /** Events that wait for their seal. */
  readonly unsealed: number;
}

/**
 * Checks sealed events against their seals, and the seals against each other and against the keyring, page by page in
 * the order of the seals. What is written or sealed meanwhile is no finding.
 */
export async function verifyAuditTrail({
  keyring,
  from = 1,
  limit = Number.POSITIVE_INFINITY,
  maxMs = Number.POSITIVE_INFINITY,
  onSeals = () => {},
}: VerificationOptions): Promise<Verification> {
  const verified = new Verified();
  const stopAt = Date.now() + maxMs;
  const newest = await newestSeal();
  if (from === 1 && newest && macHolds(keyring, newest) === undefined) verified.add('seal-unverifiable', newest._id);
  const walk = { keyring, verified, next: from, previousHash: await hashBefore(from) };
  while (verified.seals < limit && Date.now() < stopAt) {
    const seals = await sealsFrom(walk.next, Math.min(PAGE, limit - verified.seals));
    if (seals.length === 0) break;
    for (const part of inParts(seals)) {
      await examinePage(walk, part);
      if (Date.now() >= stopAt) break;
    }
    onSeals(verified.seals);
  }
  const more = newest !== null && newest._id >= walk.next;
  return more ? { ...(await summaryOf(walk)), next: walk.next } : { ...(await theEnd(walk)), next: null };
}

/** Undefined when the seal before is not there. */
const hashBefore = async (from: number): Promise<string | undefined> =>
  from === 1 ? GENESIS : (await findSeal(from - 1))?.hash;

/** So many seals at a time that their events fit into memory, and never none. */
function* inParts(seals: readonly AuditSealRecord[]): Generator<AuditSealRecord[]> {
  let part: AuditSealRecord[] = [];
  let events = 0;
  for (const seal of seals) {
    if (part.length > 0 && events + seal.count > EVENTS) {
      yield part;
      [part, events] = [[], 0];
    }
    part.push(seal);
    events += seal.count;
  }
  if (part.length > 0) yield part;
}

interface Walk {
  readonly keyring: Keyring;
  readonly verified: Verified;
  /** The number of the seal that should come next. */
  next: number;
  previousHash: string | undefined;
}

async function examinePage(walk: Walk, seals: readonly AuditSealRecord[]): Promise<void> {
  const { keyring, verified } = walk;
  const last = seals.at(-1)?._id ?? walk.next;
  const events = bySeal(await eventsOfSeals(walk.next - 1, last));
  for (const read of seals) {
    const { _id } = read;
    if (_id > walk.next) {
      verified.add('seal-missing', walk.next);
      walk.previousHash = undefined;
    }
    const { seal, its } = await asItIsNow(read, events.get(_id) ?? []);
    examineSeal(seal, walk.previousHash, keyring, verified);
    examineEvents(seal, its, keyring, verified);
    events.delete(_id);
    Object.assign(walk, { next: _id + 1, previousHash: seal.hash });
    // Hashing a batch takes a while, and others want an answer.
    await nextTurn();
  }
  // What is left names a seal that is missing, or a number between two.
  for (const strays of events.values()) tellStrays(strays, verified);
}

function bySeal(events: readonly AuditEventRecord[]): Map<number, AuditEventRecord[]> {
  const groups = new Map<number, AuditEventRecord[]>();
  for (const event of events) {
    const group = groups.get(Number(event.sealId));
    if (group) group.push(event);
    else groups.set(Number(event.sealId), [event]);
  }
  return groups;
}

/** Where events are gone, the batch may have expired since its seal was read. */
async function asItIsNow(seal: AuditSealRecord, its: readonly AuditEventRecord[]) {
  if (seal.eventIds == null || its.length >= seal.count) return { seal, its };
  const again = await findSeal(seal._id);
  if (again?.expiredAt == null) return { seal, its };
  return { seal: again, its: await eventsOfSeals(seal._id - 1, seal._id) };
}

function tellStrays(events: readonly AuditEventRecord[], verified: Verified): void {
  for (const { _id, sealId } of events) verified.add('event-inserted', Number(sealId), _id);
}

/** Behind the last seal there is nothing that names one, unless it has been sealed meanwhile. */
async function theEnd(walk: Walk): Promise<Omit<Verification, 'next'>> {
  const strays = await strayEvents(walk.next - 1);
  const sealed = await Promise.all(strays.map(({ sealId }) => findSeal(Number(sealId))));
  tellStrays(
    strays.filter((_, index) => !sealed[index]),
    walk.verified,
  );
  return summaryOf(walk);
}

async function summaryOf({ verified }: Walk): Promise<Omit<Verification, 'next'>> {
  const newest = await newestSeal();
  const head = newest && { number: newest._id, hash: newest.hash };
  return { verified, head, unsealed: await countUnsealed() };
}

/** Whether a seal that was noted elsewhere is still there: the newest ones could have been removed without a trace. */
export async function verifyAnchor({ number, hash }: Anchor, verified: Verified): Promise<void> {
  const seal = await findSeal(number);
  if (seal?.hash !== hash) verified.add('head-replaced', number);
}
