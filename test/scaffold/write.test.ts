import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeAll } from '../../src/scaffold/write.ts';

let root: string;
const put = (file: string, text: string) => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};
const read = (file: string) => readFileSync(join(root, file), 'utf8');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'roster-write-'));
  put('docs/SCHEMA.md', 'as it was');
  put('src/list.ts', 'a');
});
afterEach(() => rmSync(root, { recursive: true }));

const WRITING = {
  made: new Map([
    ['src/models/one.ts', '1'],
    ['src/models/two.ts', '2'],
  ]),
  changed: new Map([['src/list.ts', 'a, b']]),
};

it('writes all of it', () => {
  const files = writeAll(root, WRITING, () => {});
  expect(files).toEqual(['src/models/one.ts', 'src/models/two.ts', 'src/list.ts']);
  expect(files.map(read)).toEqual(['1', '2', 'a, b']);
});

it('takes all of it back when a step afterwards fails, and what that step has written', () => {
  const fails = () => {
    put('docs/SCHEMA.md', 'as it is now');
    throw new Error('the compiler says no');
  };
  expect(() => writeAll(root, WRITING, fails)).toThrow('the compiler says no');
  expect(existsSync(join(root, 'src/models/one.ts'))).toBe(false);
  expect([read('src/list.ts'), read('docs/SCHEMA.md')]).toEqual(['a', 'as it was']);
});

it('never writes over what somebody else has made meanwhile', () => {
  put('src/models/two.ts', 'theirs');
  expect(() => writeAll(root, WRITING, () => {})).toThrow('EEXIST');
  expect(existsSync(join(root, 'src/models/one.ts'))).toBe(false);
  expect([read('src/models/two.ts'), read('src/list.ts')]).toEqual(['theirs', 'a']);
});
