/** A place in a line. */
interface Turn {
  /** Resolves when all before have left; `undefined` when nobody is before. */
  readonly ready: Promise<void> | undefined;
  /** Gives the place up, whether its turn has come or not. */
  readonly leave: () => void;
}

/** A line for each key, in which each waits for all that came before. */
export class Turns {
  /** By key, resolves when everybody in line has left. */
  readonly #last = new Map<string, Promise<void>>();

  join(key: string): Turn {
    const ready = this.#last.get(key);
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const last = ready === undefined ? left : ready.then(() => left);
    this.#last.set(key, last);
    void last.then(() => {
      if (this.#last.get(key) === last) this.#last.delete(key);
    });
    return { ready, leave };
  }
}
