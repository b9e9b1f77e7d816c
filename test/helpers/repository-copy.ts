import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** What is compiled, so that a copy need not begin from nothing. */
const COMPILED = ['dist', 'packages/mongod-documentdb/dist'];

const COMMITTER = { GIT_AUTHOR_NAME: 'test', GIT_AUTHOR_EMAIL: 'test@example.com' };

const git = (directory: string, ...args: string[]): string =>
  execFileSync('git', args, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...COMMITTER, GIT_COMMITTER_NAME: 'test', GIT_COMMITTER_EMAIL: 'test@example.com' },
  });

const filesOf = (directory: string): string[] =>
  git(directory, 'ls-files', '--cached', '--others', '--exclude-standard', '-z')
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(directory, file)));

export interface RepositoryCopy {
  readonly directory: string;
  /** Runs a command in it as a shell would, without what vitest tells its own processes. */
  run(
    command: string,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ code: number | null; said: string }>;
  /** What git says has changed. */
  status(): string;
  commit(): void;
  /** A hash of every file, to tell whether anything has changed. */
  hash(): string;
  read(file: string): string;
  remove(): void;
}

function run(directory: string, command: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_ENV)/.test(name));
  const env = { ...Object.fromEntries(inherited), ...more };
  return new Promise<{ code: number | null; said: string }>((resolve, reject) => {
    const child = spawn(command, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

/** A copy of the repository as it stands here, committed, with the packages of the original. */
export function copyRepository(): RepositoryCopy {
  const directory = mkdtempSync(join(tmpdir(), 'roster-copy-'));
  for (const file of filesOf(REPOSITORY)) cpSync(join(REPOSITORY, file), join(directory, file));
  for (const compiled of COMPILED.filter((each) => existsSync(join(REPOSITORY, each))))
    cpSync(join(REPOSITORY, compiled), join(directory, compiled), { recursive: true, preserveTimestamps: true });
  // In a copy of a copy it is the same link once more.
  symlinkSync(realpathSync(join(REPOSITORY, 'node_modules')), join(directory, 'node_modules'));
  const commit = () => {
    git(directory, 'add', '--all');
    git(directory, 'commit', '--quiet', '--message', 'as it stands');
  };
  git(directory, 'init', '--quiet');
  // The repository leaves a directory of this name out; here it is a link.
  writeFileSync(join(directory, '.git/info/exclude'), '/node_modules\n');
  commit();
  return {
    directory,
    run: (...command) => run(directory, ...command),
    status: () => git(directory, 'status', '--short'),
    commit,
    hash: () => {
      const hash = createHash('sha256');
      for (const file of filesOf(directory).sort())
        hash.update(`${file}\0`).update(readFileSync(join(directory, file)));
      return hash.digest('hex');
    },
    read: (file) => readFileSync(join(directory, file), 'utf8'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
