import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError } from './engine-error.ts';
import { type Say, whileSaying } from './progress.ts';
import { run } from './run-command.ts';

/** Where Debian packages come from. */
export interface Source {
  /** Base address of a mirror, as in sources.list. */
  mirror: string;
  /** Release by its code name. */
  suite: string;
}

/**
 * The Debian mirror that this machine already uses: the first address that ends in `/debian` in the files under `etc`
 * (the archives of security updates and of vendors end otherwise).
 * Throws `EngineError` when there is none.
 */
export function findMirror(etc = '/etc/apt'): string {
  for (const file of sourceFiles(etc)) {
    const address = /^(?!\s*#).*?(https?:\/\/\S+\/debian)\/?(?=\s|$)/m.exec(readFileSync(file, 'utf8'))?.[1];
    if (address) return address;
  }
  throw new EngineError('no Debian mirror is configured on this machine; set MONGOD_DOCUMENTDB_MIRROR to one');
}

function sourceFiles(etc: string): string[] {
  const list = (directory: string, pattern: RegExp): string[] => {
    try {
      const names = readdirSync(directory).filter((name) => pattern.test(name));
      return names.sort().map((name) => path.join(directory, name));
    } catch {
      return [];
    }
  };
  return [...list(etc, /^sources\.list$/), ...list(path.join(etc, 'sources.list.d'), /\.(list|sources)$/)];
}

/**
 * Downloads those packages of the dependency closure of `packages` whose names `wanted` accepts, and returns the paths
 * of the archives. An apt with its own state under `directory` does it: nothing of the host's package state is read or
 * changed, while the host's proxy settings and archive keys are used.
 * Throws `EngineError` when apt fails.
 */
export async function downloadPackages(
  source: Source,
  packages: readonly string[],
  wanted: (name: string) => boolean,
  directory: string,
  say: Say,
  signal?: AbortSignal,
): Promise<string[]> {
  const archives = path.join(directory, 'archives');
  const apt = privateApt(source, directory);
  const options = { cwd: archives, env: { ...process.env, LC_ALL: 'C' }, ...(signal ? { signal } : {}) };
  const progress = (seconds: number) =>
    `still fetching from ${source.mirror}: ${Math.round(bytesIn(archives) / 1e6)} MB after ${seconds} s`;
  await whileSaying(say, progress, async () => {
    await run('apt-get', [...apt, 'update'], options);
    const plan = await run('apt-get', [...apt, '--simulate', 'install', ...packages], options);
    const closure = [...plan.matchAll(/^Inst (\S+) /gm)].map((match) => match[1] ?? '');
    await run('apt-get', [...apt, 'download', ...closure.filter(wanted)], options);
  });
  const files = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  return files.sort().map((name) => path.join(archives, name));
}

/** Makes the directories of a separate apt and returns the options that bind apt-get to them. */
function privateApt(source: Source, directory: string): string[] {
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'etc/none', 'archives']) {
    mkdirSync(path.join(directory, part), { recursive: true });
  }
  writeFileSync(path.join(directory, 'state/status'), '');
  writeFileSync(path.join(directory, 'etc/sources.list'), `deb ${source.mirror} ${source.suite} main\n`);
  const settings = {
    'Dir::State': `${directory}/state`,
    'Dir::State::status': `${directory}/state/status`,
    'Dir::Cache': `${directory}/cache`,
    'Dir::Etc::sourcelist': `${directory}/etc/sources.list`,
    'Dir::Etc::sourceparts': `${directory}/etc/none`,
    'Dir::Etc::preferences': `${directory}/etc/none/preferences`,
    'Dir::Etc::preferencesparts': `${directory}/etc/none`,
    // apt would drop to a user of its own, who may not enter the cache directory.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
    'APT::Install-Recommends': 'false',
    'APT::Update::Error-Mode': 'any',
    // The mirror may be a snapshot, whose Release file is past its date.
    'Acquire::Check-Valid-Until': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '15',
    'Acquire::https::Timeout': '15',
    // `--simulate` and `download` lock nothing; `update` has these directories to itself.
    'Debug::NoLocking': 'true',
  };
  return ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function bytesIn(directory: string): number {
  const sizes = readdirSync(directory).map((name) => statSync(path.join(directory, name), { throwIfNoEntry: false }));
  return sizes.reduce((sum, entry) => sum + (entry?.size ?? 0), 0);
}

/** Unpacks package archives over each other into `directory`, `parallel` at a time; no maintainer script runs. */
export async function unpackPackages(
  archives: readonly string[],
  directory: string,
  parallel: number,
  signal?: AbortSignal,
): Promise<void> {
  const queue = [...archives];
  const worker = async () => {
    for (let archive = queue.pop(); archive !== undefined; archive = queue.pop()) {
      await run('dpkg-deb', ['-x', archive, directory], signal ? { signal } : {});
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
