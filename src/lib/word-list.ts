const ASCII = 128;

interface Place {
  readonly from: number;
  readonly word: string;
}

/**
 * Words of ASCII characters in one sorted text, without a string or an object for each: 49,000 short ones take half a
 * megabyte. Found are the words that a text has at a position: the list is narrowed character by character, so that
 * what is on no list costs a few steps, and no text more than the longest word.
 */
export class WordList {
  readonly #text: Uint8Array;
  /** Where each word starts in the text; one more for the end. */
  readonly #starts: Uint32Array;
  readonly #longest: number;

  constructor(words: Iterable<string>) {
    const sorted = [...new Set(words)].sort();
    this.#text = new TextEncoder().encode(sorted.join(''));
    this.#starts = new Uint32Array(sorted.length + 1);
    let length = 0;
    for (const [index, word] of sorted.entries()) this.#starts[index + 1] = length += word.length;
    this.#longest = Math.max(0, ...new Set(sorted.map((word) => word.length)));
    if (length !== this.#text.length) throw new RangeError('A word list holds ASCII only');
  }

  get size(): number {
    return this.#starts.length - 1;
  }

  /** The lengths of all words that stand in the text from that position on, the shortest first. */
  lengthsAt(text: string, from: number): number[] {
    const lengths: number[] = [];
    let [low, high] = [0, this.size];
    for (let depth = 0; low < high; depth += 1) {
      if (this.#lengthOf(low) === depth) {
        lengths.push(depth);
        low += 1;
      }
      const code = text.charCodeAt(from + depth);
      // Also at the end of the text, where the code is NaN.
      if (!(code < ASCII)) break;
      [low, high] = [this.#firstFrom(code, depth, low, high), this.#firstFrom(code + 1, depth, low, high)];
    }
    return lengths;
  }

  /** Where words stand in the text over that position. */
  over(text: string, position: number): Place[] {
    const places: Place[] = [];
    for (let from = Math.max(0, position + 1 - this.#longest); from <= position; from += 1)
      for (const length of this.lengthsAt(text, from))
        if (from + length > position) places.push({ from, word: text.slice(from, from + length) });
    return places;
  }

  has(word: string): boolean {
    return this.lengthsAt(word, 0).includes(word.length);
  }

  #lengthOf(index: number): number {
    return (this.#starts[index + 1] ?? 0) - (this.#starts[index] ?? 0);
  }

  /** Of the words from `low` up to `high`, which are longer than `depth`, the first whose character there is not below. */
  #firstFrom(code: number, depth: number, low: number, high: number): number {
    let [first, end] = [low, high];
    while (first < end) {
      const middle = (first + end) >>> 1;
      if ((this.#text[(this.#starts[middle] ?? 0) + depth] ?? 0) < code) first = middle + 1;
      else end = middle;
    }
    return first;
  }
}
