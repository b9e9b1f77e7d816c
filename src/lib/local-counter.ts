/** Counts events by key in fixed windows, within this process and a bounded amount of memory. */
export class LocalCounter {
  readonly #windowMs: number;
  readonly #maxKeys: number;
  readonly #counts = new Map<string, { count: number; ends: number }>();

  constructor({ windowMs, maxKeys }: { readonly windowMs: number; readonly maxKeys: number }) {
    this.#windowMs = windowMs;
    this.#maxKeys = maxKeys;
  }

  /** Counts one more of `key`, and tells how many there are and when its window ends (milliseconds from now). */
  countUp(key: string, now = Date.now()): { readonly count: number; readonly resetMs: number } {
    const entry = this.#counts.get(key);
    if (entry && entry.ends > now) {
      entry.count += 1;
      return { count: entry.count, resetMs: entry.ends - now };
    }
    // Taken out and put back, so that the map stays in the order in which windows end.
    this.#counts.delete(key);
    if (this.#counts.size >= this.#maxKeys) this.#forgetOldest();
    this.#counts.set(key, { count: 1, ends: now + this.#windowMs });
    return { count: 1, resetMs: this.#windowMs };
  }

  /** How many of `key` were counted in its window, and when that ends (milliseconds from now). */
  peek(key: string, now = Date.now()): { readonly count: number; readonly resetMs: number } {
    const entry = this.#counts.get(key);
    return entry && entry.ends > now ? { count: entry.count, resetMs: entry.ends - now } : { count: 0, resetMs: 0 };
  }

  #forgetOldest(): void {
    for (const key of this.#counts.keys()) {
      this.#counts.delete(key);
      return;
    }
  }
}
