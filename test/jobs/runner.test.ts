import { afterEach, describe, expect, it } from 'vitest';
import { JobRunner } from '../../src/jobs/runner.ts';
import { createMetrics } from '../../src/metrics.ts';
import { until } from '../helpers/until.ts';

const passwords = { stats: () => ({ active: 0, queued: 0, rejected: 0 }) };
const runners: JobRunner[] = [];

function runner() {
  const metrics = createMetrics({ passwords });
  const errors: unknown[] = [];
  const log = { info: () => {}, error: (fields: unknown) => void errors.push(fields) };
  const jobs = new JobRunner({ log: log as never, metrics });
  runners.push(jobs);
  const runsOf = async (job: string, outcome: string) =>
    (await metrics.jobRuns.get()).values.find(({ labels }) => labels.job === job && labels.outcome === outcome)?.value;
  return { jobs, metrics, errors, runsOf };
}

/** A job that runs until it is let go. */
function heldJob(name: string) {
  let runs = 0;
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const run = () => {
    runs += 1;
    return held;
  };
  return { job: { name, schedule: '0 0 1 1 *', run }, finish: () => finish(), runs: () => runs };
}

afterEach(async () => {
  for (const jobs of runners.splice(0)) await jobs.stop();
});

describe('the job runner', () => {
  it('runs a job when it is due', async () => {
    const { jobs, runsOf, metrics } = runner();
    jobs.register({ name: 'every-second', schedule: '* * * * * *', run: async () => {} });
    await until('the job has run', () => runsOf('every-second', 'success'));
    expect((await metrics.jobLastSuccess.get()).values[0]?.value).toBeGreaterThan(Date.now() / 1000 - 60);
  });

  it('counts and logs a failure, and goes on', async () => {
    const { jobs, runsOf, errors } = runner();
    const failing = {
      name: 'failing',
      schedule: '0 0 1 1 *',
      run: async () => {
        throw new Error('no');
      },
    };
    await jobs.run(failing);
    await jobs.run(failing);
    expect(await runsOf('failing', 'failure')).toBe(2);
    expect(errors).toMatchObject([{ job: 'failing' }, { job: 'failing' }]);
  });

  it('never runs the same job twice at a time', async () => {
    const { jobs } = runner();
    const { job, finish, runs } = heldJob('slow');
    const both = [jobs.run(job), jobs.run(job)];
    finish();
    await Promise.all(both);
    expect(runs()).toBe(1);
  });

  it('waits for what is running before it has stopped, and starts nothing more', async () => {
    const { jobs } = runner();
    const { job, finish } = heldJob('slow');
    const order: string[] = [];
    void jobs.run(job).then(() => order.push('job done'));
    const stopped = jobs.stop().then(() => order.push('stopped'));
    finish();
    await stopped;
    expect(order).toEqual(['job done', 'stopped']);
  });

  it('refuses a schedule that is none', () => {
    expect(() => runner().jobs.register({ name: 'odd', schedule: 'whenever', run: async () => {} })).toThrow();
  });
});
