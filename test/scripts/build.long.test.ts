import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let tree: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'roster-build-'));
  for (const file of ['scripts/build.mjs', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(repository, file), join(tree, file));
  writeFileSync(join(tree, 'package.json'), '{"type":"module"}');
  writeFileSync(join(tree, 'package-lock.json'), '{}');
  symlinkSync(join(repository, 'node_modules'), join(tree, 'node_modules'));
  source('main.ts', 'export const answer: number = 41;\n');
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

function source(file: string, content: string): void {
  mkdirSync(join(tree, 'src'), { recursive: true });
  writeFileSync(join(tree, 'src', file), content);
}

const built = (file: string): string => readFileSync(join(tree, 'dist', file), 'utf8');

function build(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(tree, 'scripts/build.mjs'), ...args], (_, stdout, stderr) => {
      expect(stdout).toBe(''); // it belongs to the command that is built for
      resolve({ code: child.exitCode ?? -1, said: stderr });
    });
  });
}

test('builds once, and again only when a source says something else', async () => {
  expect(await build('--when-stale', 'service')).toMatchObject({ code: 0, said: expect.stringContaining('Built') });
  expect(built('main.js')).toContain('41');
  utimesSync(join(tree, 'src/main.ts'), new Date(), new Date());
  expect(await build('--when-stale', 'service')).toEqual({ code: 0, said: '' });
  source('main.ts', 'export const answer: number = 42;\n');
  expect(await build('--when-stale', 'service')).toMatchObject({ code: 0 });
  expect(built('main.js')).toContain('42');
});

test('a module whose source is gone can no longer be imported', async () => {
  source('other.ts', 'export const other = 1;\n');
  await build('service');
  expect(existsSync(join(tree, 'dist/other.js'))).toBe(true);
  rmSync(join(tree, 'src/other.ts'));
  expect(await build('--when-stale', 'service')).toMatchObject({ code: 0 });
  expect(existsSync(join(tree, 'dist/other.js'))).toBe(false);
  expect(existsSync(join(tree, 'dist/main.js'))).toBe(true);
});

test('what is served as it is stands beside the modules, and goes when its source goes', async () => {
  source('pages.css', 'body { margin: 0 }\n');
  source('script.js', 'export {};\n');
  await build('service');
  expect(built('pages.css')).toBe('body { margin: 0 }\n');
  expect(built('script.js')).toBe('export {};\n');
  source('pages.css', 'body { margin: 1px }\n');
  rmSync(join(tree, 'src/script.js'));
  expect(await build('--when-stale', 'service')).toMatchObject({ code: 0 });
  expect(built('pages.css')).toBe('body { margin: 1px }\n');
  expect(existsSync(join(tree, 'dist/script.js'))).toBe(false);
});

test('what does not compile fails, each time it is asked for', async () => {
  source('main.ts', 'export const answer: number = "forty-two";\n');
  for (let attempt = 0; attempt < 2; attempt += 1)
    expect(await build('--when-stale', 'service')).toMatchObject({ code: 1, said: expect.stringContaining('TS2322') });
});

test('of several at once one builds, and the others wait for it', async () => {
  const builds = await Promise.all(Array.from({ length: 3 }, () => build('--when-stale', 'service')));
  expect(builds.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(builds.filter(({ said }) => said.includes('Built'))).toHaveLength(1);
});

test('a builder that was killed keeps nobody waiting', async () => {
  mkdirSync(join(tree, 'dist'));
  writeFileSync(join(tree, 'dist/.building'), '999999999');
  expect(await build('--when-stale', 'service')).toMatchObject({ code: 0 });
});

test('without a compiler, a built tree runs as it is, and one that is not built says what to do', async () => {
  await build('service');
  rmSync(join(tree, 'node_modules'));
  expect(await build('--when-stale', 'service')).toEqual({ code: 0, said: '' });
  source('main.ts', 'export const answer: number = 43;\n');
  expect(await build('--when-stale', 'service')).toMatchObject({
    code: 0,
    said: expect.stringContaining('running it as it was built'),
  });
  rmSync(join(tree, 'dist'), { recursive: true });
  expect(await build('--when-stale', 'service')).toMatchObject({ code: 1, said: expect.stringContaining('npm ci') });
});

test('an unknown part is refused', async () => {
  expect(await build('everything')).toMatchObject({ code: 2, said: expect.stringContaining('Usage') });
});
