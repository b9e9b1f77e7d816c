import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { HASH_MINIMUM } from '../../src/lib/password-hashes/bounds.ts';
import { calibrate, environmentOf } from '../helpers/calibrate.ts';

it('prints lines for the environment that the service accepts, within the budget or at the minimum', async () => {
  const { code, stdout, stderr } = await calibrate('--budget', '120');
  const config = loadConfig({ NODE_ENV: 'test', ...environmentOf(stdout) });
  expect(config.HASHING_CONCURRENCY).toBe(availableParallelism());
  expect(stderr).toContain(`Measuring with ${availableParallelism()} at once, for at most 120 ms each`);
  if (code === 0) expect(stdout).toMatch(/^# \d+ MiB, \d+ passes, 1 lane: [\d.]+ ms for a hash, within the budget/);
  else expect(config).toMatchObject({ ARGON2_MEMORY_KIB: HASH_MINIMUM.memoryKiB, ARGON2_PASSES: 2 });
});
