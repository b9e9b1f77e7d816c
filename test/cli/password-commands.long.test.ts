import { describe, expect, it, vi } from 'vitest';
import { HASH_BOUNDS, HASH_MINIMUM } from '../../src/lib/password-hashes/bounds.ts';
import { calibrate, environmentOf } from '../helpers/calibrate.ts';

vi.setConfig({ testTimeout: 120_000 });

describe('roster passwords calibrate', () => {
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
