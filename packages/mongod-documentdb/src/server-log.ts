import { createWriteStream, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { EXIT, StartError } from './start-error.ts';

export type Component = 'CONTROL' | 'NETWORK' | 'REPL' | 'STORAGE';
export type Severity = 'I' | 'W' | 'E';

/** mongod's structured log: a JSON document a line. Callers such as mongodb-memory-server look for certain messages. */
export class ServerLog {
  readonly #out: Writable;

  constructor(out: Writable) {
    this.#out = out;
    // Who reads the log may be gone already; that must not keep the server from stopping in order.
    out.on('error', () => {});
  }

  /**
   * The log on standard output, or in a file that is begun anew unless `append` is set.
   * Throws `StartError` when the file cannot be opened.
   */
  static open(path: string | undefined, append: boolean): ServerLog {
    if (path === undefined) return new ServerLog(process.stdout);
    try {
      return new ServerLog(createWriteStream(path, { fd: openSync(path, append ? 'a' : 'w') }));
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      throw new StartError('FileNotOpen', `Failed to open the log file: ${reason}`, EXIT.failed);
    }
  }

  write(message: string, attr?: object, component: Component = 'CONTROL', severity: Severity = 'I'): void {
    const t = { $date: new Date().toISOString() };
    this.text(JSON.stringify({ t, s: severity, c: component, ctx: 'initandlisten', msg: message, attr }));
  }

  /** A line as it stands. */
  text(line: string): void {
    this.#out.write(`${line}\n`);
  }

  /** Resolves when everything has been written, or cannot be. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#out.destroyed) resolve();
      else this.#out.write('', () => resolve());
    });
  }
}
