/** How often each of many things happened, in a bounded amount of memory. */
export class Tally<T> {
  readonly #maxKeys: number;
  #counts = new Map<string, { readonly what: T; count: number }>();

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /**
   * Counts `what` under its key.
   * @returns whether there was room: without it, nothing has been counted
   */
  add(key: string, what: T, times = 1): boolean {
    const known = this.#counts.get(key);
    if (known) known.count += times;
    else if (this.#counts.size >= this.#maxKeys) return false;
    else this.#counts.set(key, { what, count: times });
    return true;
  }

  /** All that has been counted; from now on it is counted from nothing. */
  take(): (readonly [key: string, counted: { readonly what: T; readonly count: number }])[] {
    const taken = [...this.#counts];
    this.#counts = new Map();
    return taken;
  }
}
