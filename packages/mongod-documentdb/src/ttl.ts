/** Deletes expired documents at intervals; the engine's own scheduler would be one more process per server. */
export class TtlMonitor {
  readonly #pass: () => Promise<void>;
  readonly #report: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  /** @param pass deletes what has expired by now; @param report takes what made a pass fail */
  constructor(pass: () => Promise<void>, report: (error: unknown) => void) {
    this.#pass = pass;
    this.#report = report;
  }

  /** Runs a pass every `intervalMs` from now on, in place of the interval before. */
  start(intervalMs: number): void {
    this.stop();
    this.#timer = setInterval(() => void this.#tick(), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A pass that takes longer than the interval is not joined by a second one. */
  async #tick(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      await this.#pass();
    } catch (error) {
      this.#report(error);
    } finally {
      this.#running = false;
    }
  }
}
