import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freeName } from '../helpers/free-name.ts';
import { copyRepository, type RepositoryCopy } from '../helpers/repository-copy.ts';

const INVOICE = freeName('invoice');
const TAG = freeName('tag');
const COMMAND = [
  ...['new', 'collection', `${INVOICE}s`, '--owner', 'user'],
  ...['--field', 'number:string unique', '--field', 'total:decimal', '--many-to-many', `${TAG}s`],
];

let copy: RepositoryCopy;
beforeAll(() => {
  copy = copyRepository();
});
afterAll(() => copy.remove());

const roster = (...args: string[]) => copy.run('bin/roster', args);

it('changes nothing for a bad field, and says why', async () => {
  const before = copy.hash();
  const { code, said } = await roster(...COMMAND, '--field', 'paid:maybe');
  expect({ code, said }).toMatchObject({ code: 2, said: expect.stringContaining('there is no type maybe') });
  expect(copy.hash()).toBe(before);
});

it('writes a collection whose own tests pass', async () => {
  const written = await roster(...COMMAND);
  expect(written.said).toContain(`src/models/${INVOICE}.ts`);
  expect(written.code).toBe(0);
  for (const file of [INVOICE, TAG, `${INVOICE}-${TAG}`]) expect(copy.status()).toContain(`?? src/models/${file}.ts`);
  expect(copy.status()).toContain(' M docs/openapi.json');
  expect(copy.read('src/collections/index.ts')).toContain(`'../routes/${INVOICE}.ts'`);
  const tested = await copy.run('node_modules/.bin/vitest', ['run', `test/routes/${INVOICE}s.test.ts`]);
  expect(tested.code, tested.said).toBe(0);
  expect(tested.said).toContain('1 passed');
});

it('changes nothing the second time, and says why', async () => {
  const before = copy.hash();
  const { code, said } = await roster(...COMMAND);
  expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('There is a collection') });
  expect(copy.hash()).toBe(before);
});

it('says so where there are no sources', async () => {
  rmSync(join(copy.directory, 'src'), { recursive: true });
  const { code, said } = await copy.run(process.execPath, ['dist/cli/main.js', ...COMMAND]);
  expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('there are none here') });
});
