import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../dist/server.js', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const START_MS = 30_000;

/** Issuer of the tokens: those of one instance count for the other. */
export const PUBLIC_URL = 'http://bench.localhost';

export interface ServiceProcess {
  readonly pid: number;
  readonly origin: string;
  stop(): Promise<void>;
}

/**
 * Starts the service as production runs it, on a free port, with its default settings but for the limits: one client
 * sends it what a thousand would.
 * @throws when it ends instead, with what it said
 */
export async function startService(
  mongodbUri: string,
  keyring: string,
  program: readonly string[] = [PROGRAM],
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, program, {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      MONGODB_URI: mongodbUri,
      KEYRING: keyring,
      PORT: '0',
      METRICS_PORT: '0',
      PUBLIC_URL,
      RATE_LIMIT_MULTIPLIER: '1000000',
    },
    // It writes its log as in production; nobody reads it.
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => child.kill());
  const origin = await announced(child);
  if (child.pid === undefined) throw new Error('The service has no process');
  return { pid: child.pid, origin, stop: () => stop(child) };
}

function announced(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) => reject(new Error(`The service ${why}:\n${said}`));
    const timer = setTimeout(() => fail('does not start'), START_MS);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [, origin] = /^API:\s+(\S+)/m.exec(said) ?? [];
      if (origin === undefined) return;
      clearTimeout(timer);
      resolve(origin);
    });
    child.once('exit', () => {
      clearTimeout(timer);
      fail('ended');
    });
  });
}

/** Ends a child and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
