import { execFileSync, spawn } from 'node:child_process';
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

/** Runs a command in the copy as a shell would, without what vitest tells its own processes. */
function run(command: string, args: readonly string[]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_ENV)/.test(name)));
  return new Promise<{ code: number | null; said: string }>((resolve, reject) => {
    const child = spawn(command, args, { cwd: copy.directory, env });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

const roster = (...args: string[]) => run('bin/roster', args);
const status = () => execFileSync('git', ['status', '--short'], { cwd: copy.directory, encoding: 'utf8' });

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
  for (const file of [INVOICE, TAG, `${INVOICE}-${TAG}`]) expect(status()).toContain(`?? src/models/${file}.ts`);
  expect(status()).toContain(' M docs/openapi.json');
  expect(copy.read('src/collections/index.ts')).toContain(`'../routes/${INVOICE}.ts'`);
  const tested = await run('node_modules/.bin/vitest', ['run', `test/routes/${INVOICE}s.test.ts`]);
  expect(tested.code, tested.said).toBe(0);
  expect(tested.said).toContain('1 passed');
  // On a busy machine compiling and a database of its own take their time.
}, 180_000);

it('changes nothing the second time, and says why', async () => {
  const before = copy.hash();
  const { code, said } = await roster(...COMMAND);
  expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('There is a collection') });
  expect(copy.hash()).toBe(before);
});

it('says so where there are no sources', async () => {
  rmSync(join(copy.directory, 'src'), { recursive: true });
  const { code, said } = await run(process.execPath, ['dist/cli/main.js', ...COMMAND]);
  expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('there are none here') });
});
