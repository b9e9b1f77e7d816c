import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { DryMongoBinary, MongoBinary } from 'mongodb-memory-server';
import type { Absent, Binary, Machine } from './choose.ts';
import { unreachable } from './download-host.ts';
import { DatabaseUnavailableError, reason } from './errors.ts';
import type { DatabaseRecord, Engine } from './record.ts';
import { type Say, sayWhenSlow } from './say.ts';

/** The workspace package that serves MongoDB's protocol where no mongod can be had. */
const LAUNCHER_PACKAGE = 'mongod-documentdb';

/** This machine, as `chooseBinary` asks it. */
export function thisMachine(say: Say, recorded: DatabaseRecord | undefined, env = process.env): Machine {
  return {
    fromVariable: () => fromVariable(env, say),
    onPath: () => onPath(env, say),
    inCache: () => inCache(wantedVersion(env, recorded)),
    byDownload: () => byDownload(wantedVersion(env, recorded), env, say),
    launcher: () => launcher(say),
  };
}

/** The release that wrote the data, unless one is asked for; undefined leaves it to mongodb-memory-server. */
function wantedVersion(env: NodeJS.ProcessEnv, recorded: DatabaseRecord | undefined): string | undefined {
  return env['MONGOMS_VERSION'] ?? (recorded?.engine === 'mongodb' ? recorded.version : undefined);
}

const versionOption = (version: string | undefined): { version?: string } => (version === undefined ? {} : { version });

async function fromVariable(env: NodeJS.ProcessEnv, say: Say): Promise<Binary | Absent> {
  const path = env['MONGOMS_SYSTEM_BINARY'];
  if (!path) return { absent: 'MONGOMS_SYSTEM_BINARY is not set' };
  try {
    return await identify(resolve(path), say);
  } catch (error) {
    throw new DatabaseUnavailableError(
      `MONGOMS_SYSTEM_BINARY is ${path}, which does not run: ${reason(error)}. Correct or unset it.`,
    );
  }
}

async function onPath(env: NodeJS.ProcessEnv, say: Say): Promise<Binary | Absent> {
  const directories = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const path = directories.map((directory) => join(directory, 'mongod')).find(isExecutable);
  if (path === undefined) return { absent: 'there is no mongod on the PATH' };
  try {
    return await identify(path, say);
  } catch (error) {
    return { absent: `${path} does not run (${reason(error)})` };
  }
}

async function inCache(version: string | undefined): Promise<Binary | Absent> {
  const options = await DryMongoBinary.generateOptions(versionOption(version));
  const path = await DryMongoBinary.locateBinary(options);
  if (path === undefined) return { absent: `MongoDB ${options.version} has not been downloaded before` };
  return { path, engine: 'mongodb', version: options.version };
}

async function byDownload(version: string | undefined, env: NodeJS.ProcessEnv, say: Say): Promise<Binary | Absent> {
  const options = await DryMongoBinary.generateOptions(versionOption(version));
  const obstacle = await unreachable(env, say);
  if (obstacle !== undefined) return { absent: obstacle };
  // A program is about to be fetched and run. Without this, mongodb-memory-server takes it from whoever answers.
  env['npm_config_strict_ssl'] ??= 'true';
  say(`Downloading MongoDB ${options.version} (once, into ${options.downloadDir})`);
  try {
    const path = await MongoBinary.getPath(versionOption(version));
    return { path, engine: 'mongodb', version: options.version };
  } catch (error) {
    return { absent: `the download of MongoDB ${options.version} failed (${reason(error)})` };
  }
}

async function launcher(say: Say): Promise<Binary | Absent> {
  const path = launcherPath();
  if (path === undefined) return { absent: `packages/${LAUNCHER_PACKAGE} is not part of this installation` };
  try {
    await sayWhenSlow(say, `Preparing packages/${LAUNCHER_PACKAGE}`, run(path, ['provision'], say));
    return await identify(path, say);
  } catch (error) {
    return { absent: `packages/${LAUNCHER_PACKAGE} does not run here (${reason(error)})` };
  }
}

function launcherPath(): string | undefined {
  try {
    const description = createRequire(import.meta.url).resolve(`${LAUNCHER_PACKAGE}/package.json`);
    const path = join(dirname(description), 'bin/mongod');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Asks a binary what it is. The launcher says so in its build information. */
async function identify(path: string, say: Say): Promise<Binary> {
  const output = await run(path, ['--version'], say);
  const version = /^\s*db version v?(\d+\.\d+\.\d+)/im.exec(output)?.[1];
  if (version === undefined) throw new Error('it does not answer --version as a mongod does');
  const engine: Engine = /documentdb/i.test(output) ? 'documentdb' : 'mongodb';
  return { path, engine, version };
}

/**
 * Runs a program to its end and passes on what it tells people (on stderr) as it tells it.
 * @returns its stdout; throws its last words when it fails
 */
function run(path: string, args: readonly string[], say: Say): Promise<string> {
  return new Promise((resolve, reject) => {
    let lastWords = '';
    const child = execFile(path, args, { encoding: 'utf8' }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(lastWords || error.message.trim()));
    });
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() === '') return;
      lastWords = line.trim();
      say(lastWords);
    });
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
