import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { EngineError } from './engine-error.ts';

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Kills the command; `run` then throws the signal's reason. */
  signal?: AbortSignal;
}

/** How much of a failed command's output is worth showing. */
const TAIL = 1500;

/** Those of `names` that are no executable on the PATH. */
export function missingTools(names: readonly string[]): string[] {
  const directories = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  return names.filter((name) => !directories.some((directory) => isExecutable(path.join(directory, name))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a command to its end and returns its standard output. The kernel kills the command when this process dies,
 * so that a download does not go on for nobody.
 * Throws `EngineError` with the end of the output when the command fails.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { signal, ...rest } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
      ...rest,
      // Ctrl+C in the terminal reaches the launcher alone, which decides what becomes of its commands.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kill = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', kill, { once: true });
    let output = '';
    let everything = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data;
      everything += data;
    });
    child.stderr.on('data', (data: Buffer) => {
      everything += data;
    });
    child.on('error', (error) => reject(new EngineError(`cannot run ${command}: ${error.message}`)));
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', kill);
      if (code === 0) resolve(output);
      else if (signal?.aborted) reject(signal.reason);
      else reject(new EngineError(`${path.basename(command)} failed (${code ?? killedBy}): ${inOneLine(everything)}`));
    });
  });
}

/** Who runs this program may show no more than the last line of its error. */
const inOneLine = (output: string): string =>
  output
    .slice(-TAIL)
    .trim()
    .replaceAll(/\s*\n\s*/g, '; ');
