import { spawnSync } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import type { Command } from 'commander';
import { type Argon2Cost, type Calibration, calibrate, measureHashing } from '../lib/argon2-calibration.ts';
import { HASH_BOUNDS, HASH_MINIMUM } from '../lib/password-hashes/bounds.ts';
import { CommandError, say, UsageError } from './context.ts';
import { positiveInteger } from './options.ts';

const MAX_CONCURRENCY = 128;

export function register(program: Command): void {
  const family = program.command('passwords').description('Helps to choose what a password hash costs.');
  family
    .command('calibrate')
    .description('Measures hashing on this machine, and prints the parameters that fit a budget of time.')
    .option('--budget <ms>', 'how long one hash may take', positiveInteger, 250)
    .option('--concurrency <n>', 'hashes at once; default: the number of cores', positiveInteger)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', CALIBRATE_HELP)
    .action(run);
}

const CALIBRATE_HELP = `
An argon2id hash is as dear to an attacker as it is to you. This finds the dearest one that stays within the budget while
so many are made at once: first as much memory as fits, which an attacker's hardware has least of, then more passes. It
never goes below what the configuration allows (${HASH_MINIMUM.memoryKiB} KiB, ${HASH_MINIMUM.passes} passes, ${HASH_MINIMUM.parallelism} lane) nor above ${HASH_BOUNDS.memoryKiB} KiB and ${HASH_BOUNDS.passes} passes, and
the hashes together take at most half of the memory. Lanes are more than one only where cores would be idle.

Run it on the machine that serves, while it is quiet, and put the lines into the environment of every instance. Hashes
of another cost keep working and are renewed when their owners sign in. It ends with 1 when the minimum is too slow.

  bin/roster passwords calibrate
  bin/roster passwords calibrate --budget 100 >> roster.env`;

interface CalibrateOptions {
  readonly budget: number;
  readonly concurrency?: number;
  readonly json?: true;
}

async function run({ budget, concurrency = availableParallelism(), json }: CalibrateOptions): Promise<void> {
  if (concurrency > MAX_CONCURRENCY) throw new UsageError(`--concurrency is at most ${MAX_CONCURRENCY}.`);
  if (concurrency > Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)) return runWithThreads(concurrency);
  const bounds = boundsFor(concurrency);
  say(`Measuring with ${concurrency} at once, for at most ${budget} ms each …`);
  const result = await calibrate(budget, bounds, async (cost) => {
    const time = await measureHashing(cost, concurrency);
    say(`  ${describe(cost)}: ${time.msPerHash.toFixed(1)} ms`);
    return time;
  });
  const environment = environmentOf(result.cost, concurrency);
  const { cost, fits, ...time } = result;
  if (json)
    process.stdout.write(`${JSON.stringify({ budgetMs: budget, fits, ...cost, concurrency, ...time, environment })}\n`);
  else process.stdout.write(report(result, environment, budget));
  if (!fits)
    throw new CommandError(
      `Even the least that is allowed takes ${time.msPerHash.toFixed(1)} ms here, which is over the budget of ${budget} ms. Hash fewer at once (--concurrency), give each more time (--budget), or take faster cores.`,
    );
}

/** Node's threads are made once, at its start: fewer than hashes would measure the wait for a thread. */
function runWithThreads(concurrency: number): void {
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(concurrency + 2) };
  const args = [...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

/** At least the least of the configuration schema, at most what the service accepts of any hash. */
function boundsFor(concurrency: number): { minimum: Argon2Cost; maximum: Argon2Cost } {
  const lanes = Math.floor(availableParallelism() / concurrency);
  const parallelism = Math.min(HASH_BOUNDS.parallelism, Math.max(HASH_MINIMUM.parallelism, lanes));
  // A container may have less than its machine; 0 and absurdly much both mean that it is not bounded.
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const shareKiB = Math.floor(memoryBytes / 1024 / 2 / concurrency);
  const minimum = { ...HASH_MINIMUM, parallelism };
  const memoryKiB = Math.max(minimum.memoryKiB, Math.min(HASH_BOUNDS.memoryKiB, shareKiB));
  return { minimum, maximum: { memoryKiB, passes: HASH_BOUNDS.passes, parallelism } };
}

const describe = ({ memoryKiB, passes, parallelism }: Argon2Cost): string =>
  `${(memoryKiB / 1024).toFixed(0)} MiB, ${passes} passes, ${parallelism} ${parallelism === 1 ? 'lane' : 'lanes'}`;

function environmentOf({ memoryKiB, passes, parallelism }: Argon2Cost, concurrency: number): Record<string, number> {
  return {
    ARGON2_MEMORY_KIB: memoryKiB,
    ARGON2_PASSES: passes,
    ARGON2_PARALLELISM: parallelism,
    HASHING_CONCURRENCY: concurrency,
    // Two more than the hashes, for signatures and files; four are there anyway.
    ...(concurrency >= 4 && { UV_THREADPOOL_SIZE: concurrency + 2 }),
  };
}

/** Lines for an environment file; what is for people stands in comments. */
function report(
  { cost, fits, msPerHash, hashesPerSecond }: Calibration,
  environment: Readonly<Record<string, number>>,
  budget: number,
): string {
  const budgetLine = fits
    ? `within the budget of ${budget} ms`
    : `OVER the budget of ${budget} ms: this is the minimum`;
  return [
    `# ${describe(cost)}: ${msPerHash.toFixed(1)} ms for a hash, ${budgetLine};`,
    `# ${hashesPerSecond.toFixed(1)} hashes a second, ${environment['HASHING_CONCURRENCY']} at once on ${availableParallelism()} cores.`,
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    '',
  ].join('\n');
}
