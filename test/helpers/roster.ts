import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROSTER = fileURLToPath(new URL('../../bin/roster', import.meta.url));

export interface Outcome {
  /** Null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  readonly cwd?: string;
  /** Another one than this project's. */
  readonly program?: string;
}

/** Starts the command line as an operator does. */
export function startRoster(
  args: readonly string[],
  { env, input = '', cwd, program = ROSTER }: RunOptions = {},
): { process: ChildProcessWithoutNullStreams; done: Promise<Outcome> } {
  const child = spawn(program, args, { env: { ...process.env, NODE_ENV: 'test', ...env }, ...(cwd && { cwd }) });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that refuses its arguments does not read what it is given.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const done = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, done };
}

/** Runs a command to its end. */
export const roster = (args: readonly string[], options?: RunOptions): Promise<Outcome> =>
  startRoster(args, options).done;
