import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock, currentHolder } from '../../src/embedded/lock.ts';
import { startedAt } from '../../src/embedded/processes.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'roster-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const me = { pid: process.pid, controlPort: 4000, token: 'secret' };
const locks = () => readdirSync(directory);

test('one holds it, others learn who, and after its release the next one may', () => {
  const release = acquireLock(directory, me);
  expect(currentHolder(directory)).toMatchObject(me);
  expect(acquireLock(directory, me)).toBeUndefined();
  release?.();
  expect(currentHolder(directory)).toBeUndefined();
  expect(acquireLock(directory, me)).toBeDefined();
  expect(locks()).toEqual(['database.lock.2']);
});

test('a holder that is dead holds nothing, even if its number was given to another process', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  writeFileSync(join(directory, 'database.lock.7'), JSON.stringify({ ...me, pid: child.pid, startedAt: '1' }));
  expect(currentHolder(directory)).toBeUndefined();
  writeFileSync(join(directory, 'database.lock.8'), JSON.stringify({ ...me, startedAt: 'long before' }));
  expect(currentHolder(directory)).toBeUndefined();
  expect(acquireLock(directory, me)).toBeDefined();
  expect(locks()).toEqual(['database.lock.9']);
});

test('a lock file that is damaged holds nothing', () => {
  writeFileSync(join(directory, 'database.lock.1'), '{"pid":');
  expect(acquireLock(directory, me)).toBeDefined();
});

test('of several processes at once, some of them killed while they hold it, never two hold it', async () => {
  const contender = fileURLToPath(new URL('./contender.ts', import.meta.url));
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--import', 'tsx', contender, directory, '40'], { stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  const outcomes = await Promise.all(
    children.map(async (child) => {
      let complaint = '';
      child.stderr.on('data', (data) => {
        complaint += data;
      });
      const [code, signal] = await once(child, 'close');
      return { code, signal, complaint };
    }),
  );
  expect(outcomes).toEqual(children.map(() => ({ code: null, signal: 'SIGKILL', complaint: '' })));
  expect(acquireLock(directory, me)).toBeDefined();
});

test('a process that has ended but was not waited for counts as ended', async () => {
  // The shell's child ends at once; exec replaces the shell by one that never waits for it.
  const parent = spawn('sh', ['-c', 'sh -c "exit 0" & echo $!; exec sleep 30'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(parent.stdout, 'data');
  await expect.poll(() => startedAt(Number(line))).toBeUndefined();
  parent.kill('SIGKILL');
});
