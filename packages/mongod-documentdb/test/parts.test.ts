import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { findMirror } from '../src/debian.ts';
import { EngineError } from '../src/engine-error.ts';
import { lockFile } from '../src/file-lock.ts';
import { whileSaying } from '../src/progress.ts';
import { missingTools, run } from '../src/run-command.ts';
import { ServerLog } from '../src/server-log.ts';
import { eventually } from './helpers/eventually.ts';
import { placeOfEachTest } from './helpers/launcher.ts';

const place = placeOfEachTest();

describe('the mirror of this machine', () => {
  const etc = (files: Readonly<Record<string, string>>): string => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(place.directory, name)), { recursive: true });
      writeFileSync(path.join(place.directory, name), content);
    }
    return place.directory;
  };

  test('stands in one-line sources', () => {
    const list =
      '# deb http://old.example/debian x main\ndeb [arch=amd64] http://mirror.example/debian/ bookworm main\n';
    expect(findMirror(etc({ 'sources.list': list }))).toBe('http://mirror.example/debian');
  });

  test('stands in deb822 sources, behind archives of another kind', () => {
    const files = {
      'sources.list': '',
      'sources.list.d/a-vendor.list': 'deb https://vendor.example/apt stable main\n',
      'sources.list.d/debian.sources':
        'Types: deb\nURIs: http://mirror.example/debian-security\nSuites: x\n\nTypes: deb\nURIs: https://mirror.example/some/debian\nSuites: x\n',
      'sources.list.d/disabled.sources.bak': 'URIs: http://wrong.example/debian\n',
    };
    expect(findMirror(etc(files))).toBe('https://mirror.example/some/debian');
  });

  test('is asked for where there is none', () => {
    const list = 'deb http://archive.example/ubuntu noble main\n';
    expect(() => findMirror(etc({ 'sources.list': list }))).toThrow(/set MONGOD_DOCUMENTDB_MIRROR/);
    expect(() => findMirror(path.join(place.directory, 'nowhere'))).toThrow(EngineError);
  });
});

describe('a file lock', () => {
  const file = (): string => path.join(place.directory, 'lock');

  test('has one holder at a time', async () => {
    const first = await lockFile(file(), { wait: false });
    expect(await lockFile(file(), { wait: false })).toBeUndefined();
    let got = false;
    const second = lockFile(file(), { wait: true }).then((lock) => {
      got = true;
      return lock;
    });
    expect(await lockFile(file(), { wait: false })).toBeUndefined();
    expect(got).toBe(false);
    first?.release();
    (await second)?.release();
    expect(got).toBe(true);
  });

  test('is free when its holder was killed', async () => {
    const holder = spawn('flock', ['--no-fork', file(), 'sleep', '600'], { stdio: 'ignore' });
    await eventually('held', async () => {
      const lock = await lockFile(file(), { wait: false });
      lock?.release();
      return lock === undefined;
    });
    const waiting = lockFile(file(), { wait: true });
    holder.kill('SIGKILL');
    (await waiting)?.release();
  });

  test('can be given up waiting for', async () => {
    const held = await lockFile(file(), { wait: false });
    const giveUp = new AbortController();
    const waiting = lockFile(file(), { wait: true, signal: giveUp.signal });
    giveUp.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    held?.release();
  });

  test('says why when its file cannot be opened', async () => {
    await expect(lockFile(place.directory, { wait: false })).rejects.toThrow(EngineError);
  });
});

describe('a command', () => {
  test('returns what it prints', async () => {
    expect(await run('printf', ['%s', 'a b'])).toBe('a b');
  });

  test('that fails tells its last words in one line', async () => {
    const failing = run('sh', ['-c', 'echo first; echo second >&2; exit 3']);
    await expect(failing).rejects.toThrow(new EngineError('sh failed (3): first; second'));
  });

  test('is killed when nobody wants it any more', async () => {
    const enough = new AbortController();
    const sleeping = run('sleep', ['600', place.directory], { signal: enough.signal });
    enough.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(run('true', [], { signal: enough.signal })).rejects.toThrow('enough');
  });

  test('is looked for on the PATH', () => {
    expect(missingTools(['sh', 'no-such-tool', 'cp'])).toEqual(['no-such-tool']);
  });
});

describe('progress', () => {
  test('is repeated for as long as a task takes, and not after', async () => {
    const lines: string[] = [];
    const task = () => eventually('three lines', () => lines.length >= 3);
    await whileSaying(
      (line) => lines.push(line),
      (seconds) => `waiting (${seconds} s)`,
      task,
      5,
    );
    const told = lines.length;
    expect(lines[0]).toBe('waiting (0 s)');
    await run('sleep', ['0.05']);
    expect(lines).toHaveLength(told);
  });

  test('ends with a task that fails', async () => {
    const lines: string[] = [];
    const fail = () => Promise.reject(new Error('failed'));
    await expect(whileSaying((line) => lines.push(line), String, fail, 1)).rejects.toThrow('failed');
    await run('sleep', ['0.05']);
    expect(lines).toEqual([]);
  });
});

describe('the server log', () => {
  test('is a JSON document a line, as mongod writes it', async () => {
    const out = new PassThrough();
    const log = new ServerLog(out);
    log.write('Waiting for connections', { port: 1 }, 'NETWORK');
    await log.flush();
    expect(JSON.parse(String(out.read()))).toEqual({
      t: { $date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
      s: 'I',
      c: 'NETWORK',
      ctx: 'initandlisten',
      msg: 'Waiting for connections',
      attr: { port: 1 },
    });
  });

  test('is let go when nobody reads it any more', async () => {
    const out = new PassThrough();
    const log = new ServerLog(out);
    out.destroy(new Error('EPIPE'));
    log.write('nobody reads this');
    await log.flush();
  });
});
