/** What can be wrong with the audit trail. */
export const FINDINGS = {
  'seal-missing': 'A seal was deleted.',
  'seal-altered': 'A seal is not what it was when it was made.',
  'seal-unlinked': 'A seal does not follow the one before it.',
  'seal-forged': 'A seal was not made with the keyring of the service.',
  'seal-unverifiable': 'The newest seal names a key that the keyring lacks.',
  'head-replaced': 'A seal that was noted elsewhere is not there, or is another one.',
  'event-altered': 'An event is not what it was when it was sealed.',
  'event-deleted': 'An event that was sealed is gone, before its time.',
  'event-inserted': 'An event names a seal that does not list it.',
  'personal-altered': 'The personal values of an event are not those it was written with.',
} as const;

export type FindingCode = keyof typeof FINDINGS;

export const FINDING_CODES = Object.keys(FINDINGS) as FindingCode[];

export interface Finding {
  readonly code: FindingCode;
  /** The number of the seal. */
  readonly seal: number;
  /** The id of the event, where it is about one. */
  readonly event?: string;
}

/** Each one is told of; of a flood, as many as somebody reads. */
const MAX_LISTED = 100;

/** What a verification has found and looked at so far. */
export class Verified {
  readonly listed: Finding[] = [];
  findings = 0;
  seals = 0;
  events = 0;
  /** Events whose personal values are gone. */
  erased = 0;
  /** Batches whose events are gone because their time was over. */
  expired = 0;

  add(code: FindingCode, seal: number, event?: { toString(): string }): void {
    this.findings += 1;
    if (this.listed.length < MAX_LISTED) this.listed.push({ code, seal, ...(event && { event: String(event) }) });
  }
}
