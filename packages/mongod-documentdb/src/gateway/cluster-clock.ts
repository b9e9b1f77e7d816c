import { Binary, Long, Timestamp } from 'bson';
import { encode } from '../bson.ts';

const NOW = new Timestamp({ t: 1, i: 1 });
const UNSIGNED = { hash: new Binary(Buffer.alloc(20)), keyId: Long.ZERO };
const DOCUMENT = encode({ operationTime: NOW, $clusterTime: { clusterTime: NOW, signature: UNSIGNED } });
/** The encoded fields without the document around them. */
const FIELDS = DOCUMENT.subarray(4, DOCUMENT.length - 1);
const TIMESTAMP_OFFSETS = ['operationTime', 'clusterTime'].map((name) => {
  const key = Buffer.from(`\x11${name}\0`, 'latin1');
  return FIELDS.indexOf(key) + key.length;
});

/**
 * The time that every reply of a replica set member carries and that causally consistent sessions send back. It is
 * the wall clock in seconds with a count within the second, so it never stands still or goes back while we run.
 */
export class ClusterClock {
  readonly byteLength: number = FIELDS.length;
  #second = 0;
  #count = 0;

  /** Writes the two fields, at the next time, into a document that is being put together at `at`. */
  writeTo(out: Buffer, at: number): void {
    const second = Math.floor(Date.now() / 1000);
    if (second > this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    this.#count++;
    FIELDS.copy(out, at);
    for (const offset of TIMESTAMP_OFFSETS) {
      out.writeUInt32LE(this.#count, at + offset);
      out.writeUInt32LE(this.#second, at + offset + 4);
    }
  }
}
