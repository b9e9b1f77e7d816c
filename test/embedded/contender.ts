import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { acquireLock } from '../../src/embedded/lock.ts';

// Takes the lock of a directory a number of times; while it holds it, nobody else may create the same file.
// Dies in possession, the last time, as a process that is killed does.

const [directory = '', turns = '1'] = process.argv.slice(2);
const proof = join(directory, 'held');

for (let turn = 0; turn < Number(turns); ) {
  const release = acquireLock(directory, { pid: process.pid, controlPort: 1, token: 'none' });
  if (release === undefined) {
    await pause(1);
    continue;
  }
  writeFileSync(proof, String(process.pid), { flag: 'wx' });
  await pause(Math.random() * 3);
  rmSync(proof);
  turn += 1;
  if (turn === Number(turns)) process.kill(process.pid, 'SIGKILL');
  release();
}
