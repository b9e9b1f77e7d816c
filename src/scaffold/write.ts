import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Writing } from './files.ts';
import { Refusal } from './refusal.ts';

/** A step of its own process that has to succeed. What it has to tell people stands in stderr. */
function run(root: string, what: string, command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 2] });
  if (status !== 0) throw new Refusal(`${what} failed; see above. Nothing was changed.`, { typed: false });
}

/** Formats what is given, and sorts its imports, as the linter wants it. */
export function format(root: string, files: readonly string[]): void {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const given = files.filter((file) => /\.[jt]s$/.test(file));
  run(root, 'Formatting', process.execPath, [
    biome,
    'check',
    '--write',
    '--error-on-warnings',
    '--log-level=error',
    ...given,
  ]);
}

/** Compiles the service with the new files, and writes the generated documents by it. */
export function regenerate(root: string): void {
  run(root, 'Compiling', process.execPath, [join(root, 'scripts/build.mjs'), '--when-stale', 'service']);
  run(root, 'Writing the generated documents', join(root, 'bin/roster'), ['docs']);
}

/** The documents as they are, to be put back. */
function documents(root: string): Map<string, string> {
  const files = readdirSync(join(root, 'docs')).filter((file) => /\.(?:md|json)$/.test(file));
  return new Map(files.map((file) => [`docs/${file}`, readFileSync(join(root, 'docs', file), 'utf8')]));
}

/**
 * Writes all of it, or nothing: what was written is taken away again when a later step fails.
 * @param finish the steps after the writing
 * @returns the paths that were written, those that were changed last
 */
export function writeAll(root: string, { made, changed }: Writing, finish: (files: string[]) => void): string[] {
  const files = [...made.keys(), ...changed.keys()];
  const before = new Map([...changed.keys()].map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  const put = (file: string, text: string, flag: 'w' | 'wx') => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text, { flag });
  };
  const restored = new Map([...documents(root), ...before]);
  const written: string[] = [];
  // An interrupt ends the step that runs: then this takes back what was written, and ends as well.
  const wait = () => {};
  process.on('SIGINT', wait);
  try {
    for (const [file, text] of made) {
      put(file, text, 'wx');
      written.push(file);
    }
    for (const [file, text] of changed) put(file, text, 'w');
    finish(files);
  } catch (error) {
    for (const file of written) rmSync(join(root, file), { force: true });
    for (const [file, text] of restored) if (!isAs(join(root, file), text)) put(file, text, 'w');
    throw error;
  } finally {
    process.off('SIGINT', wait);
  }
  return files;
}

const isAs = (path: string, text: string): boolean => existsSync(path) && readFileSync(path, 'utf8') === text;
