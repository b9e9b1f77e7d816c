import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fieldOf } from '../../src/scaffold/field.ts';
import { roster } from '../helpers/roster.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (file: string) => readFile(new URL(file, ROOT), 'utf8');
const page = await read('docs/extending.md');

const matches = (pattern: RegExp): string[] => [...page.matchAll(pattern)].map(([, found = '']) => found);
/** Lines that end in a backslash go on. */
const commands = matches(/^```sh(?: background)?\n(.*?)^```$/gms).flatMap((block) =>
  block.replaceAll('\\\n', '').split('\n'),
);
const mentioned = [...commands, ...matches(/`((?:bin\/roster|npm run) [^`]+)`/g)];

/** Without the spaces that set it off, as an excerpt stands deeper in its file. */
const flat = (text: string): string => text.replaceAll(/^ +/gm, '').trim();

describe('docs/extending.md', () => {
  it('names commands and options that there are', async () => {
    const called = mentioned.filter((command) => command.startsWith('bin/roster '));
    expect(called.length).toBeGreaterThan(1);
    for (const command of called) {
      const words = command.split(/\s+/).slice(1);
      const { code, stdout } = await roster([...words.slice(0, 2), '--help']);
      expect(code, command).toBe(0);
      expect(stdout, command).toContain(words.slice(0, 2).join(' '));
      for (const option of words.filter((word) => word.startsWith('--'))) expect(stdout, command).toContain(option);
    }
  });

  it('names scripts that there are', async () => {
    const { scripts } = JSON.parse(await read('package.json'));
    const names = mentioned.flatMap((command) => /^npm run ([\w:]+)/.exec(command)?.[1] ?? []);
    expect(names).toContain('check');
    for (const name of names) expect(Object.keys(scripts)).toContain(name);
  });

  it('names fields that can be read', () => {
    const fields = matches(/"([a-z]\w*:[a-z][^"]*)"/gi).filter((text) => !text.includes('{'));
    expect(fields.length).toBeGreaterThan(4);
    for (const field of fields) expect(() => fieldOf(field), field).not.toThrow();
  });

  it('quotes files as they stand', async () => {
    const excerpts = [...page.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)];
    expect(excerpts.length).toBeGreaterThan(5);
    for (const [, file = '', excerpt = ''] of excerpts) expect(flat(await read(file)), file).toContain(flat(excerpt));
  });
});
