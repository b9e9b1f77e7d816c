/**
 * The hashes that make the audit trail tamper-evident. Each kind has a prefix of its own, so that none can be shown
 * for another. All are SHA-256 in base64url.
 */
import { createHash } from 'node:crypto';
import { canonical } from './canonical.ts';

/** What the first seal has in the place of the hash before. */
export const GENESIS = hash('genesis', '');

/** What a seal says, as far as its hash covers it: nothing of it changes when the batch expires. */
export interface SealedFacts {
  readonly _id: number;
  readonly previousHash: string;
  readonly root: string;
  readonly count: number;
  readonly sealedAt: Date;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly keepUntil: Date;
}

function hash(kind: string, text: string): string {
  return createHash('sha256').update(`roster/audit/${kind}/1\n`).update(text).digest('base64url');
}

/**
 * Binds an event to its personal values without holding any: who has neither the values nor the salt can find out
 * nothing, however few addresses there are to try.
 */
export const commitmentOf = (values: object, salt: string): string =>
  hash('commitment', `${salt}\n${canonical(values)}`);

/**
 * Covers all of an event but the ciphertext of its personal values, which keys are rotated under and which goes when
 * a person is erased, the number of its seal, and the count of its changes that the journal keeps. A field that nobody
 * knows yet is covered too.
 */
export function eventHash({
  personal: _,
  sealId: __,
  journalRevision: ___,
  ...facts
}: Readonly<Record<string, unknown>>): string {
  return hash('event', canonical(facts));
}

/** Of the events of a batch, in their order. */
export const rootOf = (ids: readonly unknown[], hashes: readonly string[]): string =>
  hash('root', canonical(ids.map((id, index) => [id, hashes[index]])));

export const sealHash = ({
  _id,
  previousHash,
  root,
  count,
  sealedAt,
  firstAt,
  lastAt,
  keepUntil,
}: SealedFacts): string =>
  hash('seal', canonical({ _id, previousHash, root, count, sealedAt, firstAt, lastAt, keepUntil }));
