import { availableParallelism } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { HASH_BOUNDS, HASH_MINIMUM } from '../../src/lib/password-hash.ts';
import { roster } from '../helpers/roster.ts';

vi.setConfig({ testTimeout: 120_000 });

const calibrate = (...args: string[]) => roster(['passwords', 'calibrate', ...args]);
const VARIABLE = /^[A-Z0-9_]+=\d+$/;

/** The lines as an environment, as `set -a; . file` would read them. */
function environmentOf(stdout: string): Record<string, string> {
  const lines = stdout.trimEnd().split('\n');
  expect(lines.filter((line) => !line.startsWith('# ') && !VARIABLE.test(line))).toEqual([]);
  return Object.fromEntries(lines.filter((line) => VARIABLE.test(line)).map((line) => line.split('=')));
}

describe('roster passwords calibrate', () => {
  it('prints lines for the environment that the service accepts, within the budget or at the minimum', async () => {
    const { code, stdout, stderr } = await calibrate('--budget', '120');
    const config = loadConfig({ NODE_ENV: 'test', ...environmentOf(stdout) });
    expect(config.HASHING_CONCURRENCY).toBe(availableParallelism());
    expect(stderr).toContain(`Measuring with ${availableParallelism()} at once, for at most 120 ms each`);
    if (code === 0) expect(stdout).toMatch(/^# \d+ MiB, \d+ passes, 1 lane: [\d.]+ ms for a hash, within the budget/);
    else expect(config).toMatchObject({ ARGON2_MEMORY_KIB: HASH_MINIMUM.memoryKiB, ARGON2_PASSES: 2 });
  });

  it('says when even the minimum is too slow, and prints it all the same', async () => {
    const { code, stdout, stderr } = await calibrate('--budget', '1', '--concurrency', '2');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Even the least that is allowed takes [\d.]+ ms here, which is over the budget of 1 ms\./);
    expect(stdout).toContain('OVER the budget of 1 ms: this is the minimum');
    expect(environmentOf(stdout)).toMatchObject({ ARGON2_MEMORY_KIB: '19456', ARGON2_PASSES: '2' });
  });

  it('gives the same to programs, and has a thread for each hash', async () => {
    const { code, stdout } = await calibrate('--budget', '1', '--concurrency', '6', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      budgetMs: 1,
      fits: false,
      ...HASH_MINIMUM,
      concurrency: 6,
      parallelism: expect.any(Number),
      msPerHash: expect.any(Number),
      hashesPerSecond: expect.any(Number),
      environment: {
        ARGON2_MEMORY_KIB: HASH_MINIMUM.memoryKiB,
        ARGON2_PASSES: HASH_MINIMUM.passes,
        ARGON2_PARALLELISM: expect.any(Number),
        HASHING_CONCURRENCY: 6,
        UV_THREADPOOL_SIZE: 8,
      },
    });
  });

  it('exits with 2 when the budget or the number is none, and begins nothing', async () => {
    for (const args of [
      ['--budget', '0'],
      ['--budget', 'fast'],
      ['--concurrency', '129'],
      ['--concurrency', '-1'],
    ]) {
      const { code, stdout, stderr } = await calibrate(...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).not.toContain('Measuring');
    }
  });

  it('teaches in its help', async () => {
    const { code, stdout } = await calibrate('--help');
    expect(code).toBe(0);
    expect(stdout).toContain(`${HASH_MINIMUM.memoryKiB} KiB`);
    expect(stdout).toContain(`${HASH_BOUNDS.memoryKiB} KiB`);
    expect(stdout).toContain('bin/roster passwords calibrate --budget 100 >> roster.env');
  });
});
