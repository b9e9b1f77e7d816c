import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A shell that stays open, as at a terminal: variables and functions of one step are there in the next. */
export class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  #printed = '';
  #complained = '';
  #ended = false;
  /** Called whenever there is something new to look at. */
  #wake = (): void => {};

  constructor(env: Readonly<Record<string, string>>, directory = ROOT) {
    const { NODE_ENV: _, MONGODB_URI: __, ...inherited } = process.env;
    // A process group of its own, so that Ctrl-C reaches what runs in it.
    this.#shell = spawn('bash', ['-s'], {
      cwd: directory,
      env: { ...inherited, ...env },
      detached: true,
    });
    this.#shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text;
      this.#wake();
    });
    this.#shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complained += text;
    });
    this.#shell.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** All that was written to the standard error so far. */
  get complained(): string {
    return this.#complained;
  }

  /** Types commands, without waiting for them. */
  type(commands: string): void {
    this.#shell.stdin.write(commands);
  }

  /** @returns what the commands print. @throws when one of them fails */
  async run(commands: string): Promise<string> {
    const [done, from] = [randomUUID(), this.#printed.length];
    this.type(`set -e -o pipefail\n${commands}\nset +e\nprintf '%s\\n' ${done}\n`);
    while (!this.#printed.includes(`${done}\n`)) {
      if (this.#ended) throw new Error(`failed:\n${commands}\n${this.#printed.slice(from)}${this.#complained}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#printed.slice(from, this.#printed.indexOf(`${done}\n`));
  }

  /** Ctrl-C, then the end of the input. */
  async leave(): Promise<void> {
    const { pid } = this.#shell;
    if (this.#ended || pid === undefined) return;
    this.#shell.stdin.end();
    const closed = once(this.#shell, 'close');
    process.kill(-pid, 'SIGINT');
    await closed;
  }
}
