/**
 * Counts different ids in bounded memory, and adds up: the count of two days together is that of their union.
 *
 * Up to 2,048 ids it keeps a 64-bit hash of each, and is exact. Beyond that it is a HyperLogLog of 2^14 registers, 16 KiB
 * however many there are, with a standard error of 0.8 %; the estimate is Ertl's ("New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017), which has no range that it is biased in.
 */
import { createHash } from 'node:crypto';

const MAX_EXACT = 2_048;
const INDEX_BITS = 14;
const REGISTERS = 2 ** INDEX_BITS;
/** Bits of a hash behind the index, and the largest value of a register: all of them zero. */
const REST_BITS = 64 - INDEX_BITS;
const MAX_RANK = REST_BITS + 1;
const HASH_BYTES = 8;

/** The first byte of the stored form. */
const EXACT = 0;
const ESTIMATED = 1;

export class DistinctCounter {
  #hashes = new Set<bigint>();
  /** Once there are too many hashes. */
  #registers: Uint8Array | undefined;

  /** Reads what `toBytes` has written. @throws RangeError for anything else */
  static fromBytes(bytes: Uint8Array): DistinctCounter {
    const counter = new DistinctCounter();
    const body = bytes.subarray(1);
    if (bytes[0] === ESTIMATED && body.length === REGISTERS) counter.#registers = Uint8Array.from(body);
    else if (bytes[0] === EXACT && body.length % HASH_BYTES === 0) counter.#readHashes(body);
    else throw new RangeError('These bytes are no counter');
    return counter;
  }

  add(id: string): void {
    this.#addHash(createHash('sha256').update(id).digest().readBigUInt64BE());
  }

  /** Takes in what another one has counted. */
  merge(other: DistinctCounter): void {
    for (const hash of other.#hashes) this.#addHash(hash);
    if (!other.#registers) return;
    const registers = this.#estimate();
    for (const [index, rank] of other.#registers.entries()) raise(registers, index, rank);
  }

  /** How many different ids there were. */
  get count(): number {
    return this.#registers ? Math.round(estimate(this.#registers)) : this.#hashes.size;
  }

  /** 16,385 bytes at the most. */
  toBytes(): Buffer {
    if (this.#registers) return Buffer.from([ESTIMATED, ...this.#registers]);
    const bytes = Buffer.alloc(1 + this.#hashes.size * HASH_BYTES, EXACT);
    let offset = 1;
    for (const hash of this.#hashes) offset = bytes.writeBigUInt64BE(hash, offset);
    return bytes;
  }

  #readHashes(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes);
    for (let offset = 0; offset < buffer.length; offset += HASH_BYTES) this.#addHash(buffer.readBigUInt64BE(offset));
  }

  #addHash(hash: bigint): void {
    if (this.#registers) put(this.#registers, hash);
    else this.#hashes.add(hash);
    if (this.#hashes.size > MAX_EXACT) this.#estimate();
  }

  /** From here on it estimates. */
  #estimate(): Uint8Array {
    if (this.#registers) return this.#registers;
    const registers = new Uint8Array(REGISTERS);
    for (const hash of this.#hashes) put(registers, hash);
    this.#hashes.clear();
    this.#registers = registers;
    return registers;
  }
}

/** The first bits of a hash choose a register; it keeps the longest run of zeros that the rest began with. */
function put(registers: Uint8Array, hash: bigint): void {
  const high = Number(hash >> 32n);
  const low = Number(hash & 0xffff_ffffn);
  const highRest = high & (2 ** (32 - INDEX_BITS) - 1);
  const zeros = highRest === 0 ? 32 - INDEX_BITS + Math.clz32(low) : Math.clz32(highRest) - INDEX_BITS;
  raise(registers, high >>> (32 - INDEX_BITS), zeros + 1);
}

function raise(registers: Uint8Array, index: number, rank: number): void {
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

function estimate(registers: Uint8Array): number {
  const ranks = new Array<number>(MAX_RANK + 1).fill(0);
  for (const rank of registers) ranks[rank] = (ranks[rank] ?? 0) + 1;
  const share = (rank: number): number => (ranks[rank] ?? 0) / REGISTERS;
  let sum = REGISTERS * tau(1 - share(MAX_RANK));
  for (let rank = REST_BITS; rank >= 1; rank -= 1) sum = (sum + (ranks[rank] ?? 0)) / 2;
  sum += REGISTERS * sigma(share(0));
  return REGISTERS ** 2 / (2 * Math.LN2 * sum);
}

/** What empty registers stand for. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z, before] = [share, 1, share, Number.NaN];
  while (z !== before) {
    x *= x;
    before = z;
    z += x * y;
    y *= 2;
  }
  return z;
}

/** What full registers stand for. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let [x, y, z, before] = [share, 1, 1 - share, Number.NaN];
  while (z !== before) {
    x = Math.sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
