import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, expect, vi } from 'vitest';
import { freshDatabaseUri } from './app.ts';
import { until } from './until.ts';

const SERVER = fileURLToPath(new URL('../../dist/server.js', import.meta.url));

export interface ServiceProcess {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly logged: () => string;
  readonly ended: Promise<number | null>;
  /** Where the API answers, once it does. */
  readonly address: () => Promise<string>;
}

/** For the tests of a file: the service as processes of their own, which end with each test. */
export function useServiceProcesses() {
  // Each start loads the whole program.
  vi.setConfig({ testTimeout: 60_000 });
  const directory = mkdtempSync(join(tmpdir(), 'roster-server-'));
  const databaseUris: string[] = [];
  const running: ChildProcess[] = [];

  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true, force: true });
    for (const uri of databaseUris) {
      const client = await new MongoClient(uri).connect();
      await client.db().dropDatabase();
      await client.close();
    }
  });

  /** Starts the service on free ports. */
  function run(environment: Record<string, string>): ServiceProcess {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, ['--enable-source-maps', SERVER], {
      env: { PATH, HOME, PORT: '0', METRICS_PORT: '0', DATA_DIRECTORY: directory, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    let [said, logged] = ['', ''];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      logged += text;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
    const address = async (): Promise<string> => {
      await until('the service says where it is', () => /API: +(\S+)/.test(said) || child.exitCode !== null, 45_000);
      const [, found] = /API: +(\S+)/.exec(said) ?? [];
      if (!found) throw new Error(`the service did not start:\n${said}`);
      return found;
    };
    return { child, said: () => said, logged: () => logged, ended, address };
  }

  /** A start ends with 1, says `words`, and shows no stack. */
  async function refuses(environment: Record<string, string>, words: RegExp): Promise<void> {
    const service = run(environment);
    expect(await service.ended).toBe(1);
    expect(service.said()).toMatch(words);
    expect(service.said()).not.toMatch(/\n\s+at /);
    expect(service.logged()).toBe('');
  }

  return {
    /** Of all processes, unless told otherwise. */
    directory,

    freshDatabase(): string {
      const uri = freshDatabaseUri();
      databaseUris.push(uri);
      return uri;
    },

    run,
    refuses,
  };
}
