import { createHash, hash } from 'node:crypto';

/** What a collection holds, in a form that two copies of it can be compared by. */
export interface ContentSummary {
  readonly documents: number;
  /** Of BSON, uncompressed. */
  readonly bytes: number;
  /** SHA-256 of the documents as BSON, one behind the other in the order of `_id`; in hexadecimal digits. */
  readonly sha256: string;
  /**
   * Sum of the SHA-256 of each document, as eight 32-bit numbers: the same whatever the order, so that a restored
   * collection is compared without sorting it. It finds what went wrong, not who wants to deceive.
   */
  readonly digest: string;
}

/** Summarises the documents that it is shown. */
export class ContentHash {
  readonly #stream = createHash('sha256');
  readonly #lanes = new Uint32Array(8);
  #documents = 0;
  #bytes = 0;

  add(document: Uint8Array): void {
    this.#documents += 1;
    this.#bytes += document.length;
    this.#stream.update(document);
    const own = hash('sha256', document, 'buffer');
    for (let lane = 0; lane < 8; lane += 1) this.#lanes[lane] = (this.#lanes[lane] ?? 0) + own.readUInt32BE(lane * 4);
  }

  /** To be called once. */
  summary(): ContentSummary {
    return {
      documents: this.#documents,
      bytes: this.#bytes,
      sha256: this.#stream.digest('hex'),
      digest: [...this.#lanes].map((lane) => lane.toString(16).padStart(8, '0')).join(''),
    };
  }
}
