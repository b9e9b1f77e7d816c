import { type FileHandle, open, rm } from 'node:fs/promises';
import type { InputProblem } from '../errors.ts';

/**
 * The file that tells which lines were refused and why: NDJSON, one problem a line. It repeats no value of the
 * import, so that no password hash gets a second home; still, only its owner may read it.
 */
export class Report {
  readonly path: string;
  readonly #file: FileHandle;
  #isEmpty = true;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Opened before the first account is written, so that an import never ends with nowhere to tell what it refused. */
  static async open(path: string): Promise<Report> {
    return new Report(path, await open(path, 'w', 0o600));
  }

  async add(line: number, problems: readonly InputProblem[]): Promise<void> {
    this.#isEmpty = false;
    const lines = problems.map(({ pointer, code, detail }) => JSON.stringify({ line, pointer, code, detail }));
    await this.#file.write(`${lines.join('\n')}\n`);
  }

  /** A report of nothing is not left behind. */
  async close(): Promise<void> {
    await this.#file.close();
    if (this.#isEmpty) await rm(this.path, { force: true });
  }
}
