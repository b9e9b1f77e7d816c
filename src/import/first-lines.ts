import { createHmac, randomBytes } from 'node:crypto';

const INITIAL_SLOTS = 4_096;
/** Where a slot is free, as no line has this number. */
const FREE = 0;

/**
 * Remembers on which line of a file each email was first. A set of the emails themselves takes over 100 bytes for each,
 * which for a few million accounts is more memory than the rest of the import; this takes 12 to 24, in an
 * open-addressing table of 64-bit fingerprints. Two emails share one with a probability of 1 in 37 million among a
 * million accounts, and because the key is random, no file can be made to bring it about.
 */
export class FirstLines {
  readonly #key = randomBytes(32);
  #size = 0;
  #fingerprints = new BigUint64Array(INITIAL_SLOTS);
  #lines = new Uint32Array(INITIAL_SLOTS);

  /** @returns the line on which the email was before; else remembers it for this one */
  noteOrFind(email: string, line: number): number | undefined {
    const fingerprint = createHmac('sha256', this.#key).update(email).digest().readBigUInt64LE();
    const slot = this.#slotOf(fingerprint);
    const first = this.#lines[slot] ?? FREE;
    if (first !== FREE) return first;
    this.#put(slot, fingerprint, line);
    this.#size++;
    if (this.#size * 2 > this.#lines.length) this.#grow();
    return undefined;
  }

  /** The slot that holds the fingerprint, or the free one in which it belongs. */
  #slotOf(fingerprint: bigint): number {
    const mask = this.#lines.length - 1;
    let slot = Number(fingerprint & BigInt(mask));
    while (this.#lines[slot] !== FREE && this.#fingerprints[slot] !== fingerprint) slot = (slot + 1) & mask;
    return slot;
  }

  #put(slot: number, fingerprint: bigint, line: number): void {
    this.#fingerprints[slot] = fingerprint;
    this.#lines[slot] = line;
  }

  #grow(): void {
    const [fingerprints, lines] = [this.#fingerprints, this.#lines];
    this.#fingerprints = new BigUint64Array(lines.length * 2);
    this.#lines = new Uint32Array(lines.length * 2);
    for (const [index, line] of lines.entries()) {
      const fingerprint = fingerprints[index];
      if (line !== FREE && fingerprint !== undefined) this.#put(this.#slotOf(fingerprint), fingerprint, line);
    }
  }
}
