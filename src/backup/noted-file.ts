import { createHash } from 'node:crypto';
import type { StoredFile } from './manifest.ts';

/** Notes size and hash of a file while it passes. */
export class NotedFile {
  readonly #path: string;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async *through(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      this.#hash.update(piece);
      this.#bytes += piece.length;
      yield piece;
    }
  }

  /** To be called once, at the end. */
  file(): StoredFile {
    return { path: this.#path, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/** Content that is there already, as what is written takes it. */
export async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
