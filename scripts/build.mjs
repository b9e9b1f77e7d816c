// Compiles what runs as JavaScript: the service and the database launcher. Plain JavaScript, without a dependency,
// because it is what stands between a fresh clone and everything that is compiled.
//
//   node scripts/build.mjs [--when-stale] [service] [launcher]

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const targets = {
  launcher: {
    name: 'database launcher',
    directory: join(root, 'packages/mongod-documentdb'),
    project: 'tsconfig.json',
  },
  service: { name: 'service', directory: root, project: 'tsconfig.build.json' },
};

/** stdout belongs to the command that is built for: `roster export` writes data there. */
const say = (line) => process.stderr.write(`${line}\n`);

/** Every file below `directory`, sorted, as paths relative to it. */
function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/** Of contents, not of times: a checkout or a copy gives old files new times, and the reverse. */
function fingerprint({ directory, project }) {
  const hash = createHash('sha256');
  const inputs = [project, ...filesBelow(join(directory, 'src')).map((file) => join('src', file))].map((file) =>
    join(directory, file),
  );
  for (const file of [join(root, 'tsconfig.json'), join(root, 'package-lock.json'), ...inputs])
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

const stampOf = ({ directory }) => join(directory, 'dist/.built-from');

function isCurrent(target, wanted) {
  const stamp = stampOf(target);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

/** What is served as it is, such as a style sheet, stands beside the modules as it does in the sources. */
function copyAssets({ directory }) {
  for (const file of filesBelow(join(directory, 'src')).filter((name) => !name.endsWith('.ts')))
    cpSync(join(directory, 'src', file), join(directory, 'dist', file));
}

/** Nobody deletes what was once written, and a module without a source must not stay importable. */
function removeOrphans({ directory }) {
  const sources = new Set(filesBelow(join(directory, 'src')));
  // What begins with a dot is the builder's own.
  for (const file of filesBelow(join(directory, 'dist')).filter((name) => !name.startsWith('.')))
    if (!sources.has(file) && !sources.has(file.replace(/\.js(\.map)?$/, '.ts'))) rmSync(join(directory, 'dist', file));
}

function compiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

function compile(tsc, { directory, project }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [tsc, '-p', join(directory, project), '--pretty', 'false'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * One builder at a time: another one would be run half-written files. Whoever waited finds the work done.
 * @returns what lets the next one in
 */
async function takeTurn({ directory, name }) {
  const lock = join(directory, 'dist/.building');
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; ; waited += 100) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = existsSync(lock) ? readFileSync(lock, 'utf8') : '';
    // Empty for the moment between its creation and its first byte; a second later it was left by a killed process.
    if (holder === '' ? waited >= 1_000 : !isAlive(Number(holder))) rmSync(lock, { force: true });
    else if (waited % 10_000 === 0 && holder !== '') say(`Waiting for process ${holder}, which builds the ${name} …`);
    await pause(100);
  }
}

/** @returns whether `target` is now what its sources say */
async function build(target, whenStale) {
  if (whenStale && isCurrent(target, fingerprint(target))) return true;
  const done = await takeTurn(target);
  try {
    return await buildAlone(target, whenStale);
  } finally {
    done();
  }
}

async function buildAlone(target, whenStale) {
  const wanted = fingerprint(target);
  if (whenStale && isCurrent(target, wanted)) return true;
  const tsc = compiler();
  if (tsc === undefined) {
    if (whenStale && existsSync(stampOf(target))) {
      say(
        `The ${target.name} was built from other sources, and there is no compiler here: running it as it was built.`,
      );
      return true;
    }
    say(`Cannot build the ${target.name}: TypeScript is not installed. Run "npm ci" (without --omit=dev) first.`);
    return false;
  }
  const started = Date.now();
  say(`Building the ${target.name} …`);
  rmSync(stampOf(target), { force: true });
  if (!(await compile(tsc, target))) {
    say(`The ${target.name} does not compile; see above.`);
    return false;
  }
  copyAssets(target);
  removeOrphans(target);
  writeFileSync(stampOf(target), wanted);
  say(`Built the ${target.name} in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  return true;
}

const args = process.argv.slice(2);
const whenStale = args.includes('--when-stale');
const names = args.filter((arg) => arg !== '--when-stale');
const unknown = names.filter((name) => !(name in targets));
if (unknown.length > 0) {
  say(
    `Unknown: ${unknown.join(' ')}. Usage: node scripts/build.mjs [--when-stale] [${Object.keys(targets).join('] [')}]`,
  );
  process.exit(2);
}
for (const name of names.length > 0 ? names : Object.keys(targets))
  if (!(await build(targets[name], whenStale))) process.exit(1);
