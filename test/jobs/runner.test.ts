import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Job, JobRunner } from '../../src/jobs/runner.ts';
import { createMetrics } from '../../src/metrics.ts';
import { claimRun, finishRun, JobState, listJobs, renewRun } from '../../src/models/job.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const passwords = { stats: () => ({ active: 0, queued: 0, rejected: 0 }) };
const runners: JobRunner[] = [];

beforeEach(() => JobState.deleteMany({}));
afterEach(async () => {
  for (const jobs of runners.splice(0)) await jobs.stop();
});

function runner(...jobs: Job[]) {
  const metrics = createMetrics({ passwords });
  const errors: unknown[] = [];
  const log = { info: () => {}, warn: () => {}, error: (fields: unknown) => void errors.push(fields) };
  const made = new JobRunner({ log: log as never, metrics, sweepMs: 50 });
  runners.push(made);
  for (const job of jobs) made.register(job);
  const runsOf = async (job: string, outcome: string) =>
    (await metrics.jobRuns.get()).values.find(({ labels }) => labels.job === job && labels.outcome === outcome)?.value;
  return { jobs: made, metrics, errors, runsOf };
}

/** A job that is due on the first of January alone, and counts its runs. */
function yearly(work: Job['run'] = async () => ({})) {
  const runs: AbortSignal[] = [];
  const run: Job['run'] = (signal) => {
    runs.push(signal);
    return work(signal);
  };
  return { job: { name: 'yearly', schedule: '0 0 1 1 *', run } satisfies Job, runs };
}

/** Makes a job known by an instance that is gone before anything of it is due. */
async function known(job: Job) {
  const { jobs } = runner(job);
  await jobs.start();
  await jobs.stop();
}

/** As if it had been due since the last run. */
const missed = () => JobState.updateOne({ _id: 'yearly' }, { $set: { dueAt: new Date(0) } });

const state = async () => (await listJobs())[0];
const ended = () => until('a run has ended', async () => (await state())?.finishedAt);

describe('the job runner', () => {
  it('runs a job when it is due, and notes what it did', async () => {
    const job = { name: 'every-second', schedule: '* * * * * *', run: async () => ({ done: 3 }) };
    const { jobs, runsOf, metrics } = runner(job);
    await jobs.start();
    await until('the job has run', () => runsOf('every-second', 'success'));
    expect((await metrics.jobLastSuccess.get()).values[0]?.value).toBeGreaterThan(Date.now() / 1000 - 60);
    await ended();
    expect(await state()).toMatchObject({ _id: 'every-second', outcome: 'success', result: { done: 3 } });
  });

  it('does not run a job that nobody knew before, until it is due', async () => {
    const { job, runs } = yearly();
    const { jobs } = runner(job);
    await jobs.start();
    await jobs.stop();
    expect(runs).toHaveLength(0);
    const { dueAt, nextAt } = (await state()) ?? {};
    expect(nextAt?.getTime()).toBeGreaterThan(Date.now());
    expect(dueAt?.getTime()).toBeLessThan(Date.now());
  });

  it('makes up for a run that was due while nobody was there, once for all instances', async () => {
    const { job, runs } = yearly();
    await runner(job).jobs.start();
    await missed();
    await Promise.all([runner(job), runner(job), runner(job)].map(({ jobs }) => jobs.start()));
    await ended();
    expect(runs).toHaveLength(1);
  });

  it('makes a run anew that somebody began and did not finish', async () => {
    const { job, runs } = yearly();
    await known(job);
    await missed();
    const due = { dueAt: new Date(), nextAt: new Date() };
    const died = await claimRun('yearly', due, new Date(Date.now() - 61_000));
    await runner(job).jobs.start();
    await ended();
    expect(runs).toHaveLength(1);
    // Whoever comes back from the dead changes nothing any more.
    if (!died) throw new Error('the first claim was refused');
    expect(await renewRun(died)).toBe(false);
    await finishRun(died, { outcome: 'failure', failure: 'late' }, due.nextAt);
    expect(await state()).toMatchObject({ outcome: 'success' });
  });

  it('leaves a run alone that somebody is at', async () => {
    const { job, runs } = yearly();
    await known(job);
    await missed();
    const claimed = await claimRun('yearly', { dueAt: new Date(), nextAt: new Date() });
    expect(claimed && (await renewRun(claimed))).toBe(true);
    const { jobs } = runner(job);
    await jobs.start();
    await jobs.stop();
    expect(runs).toHaveLength(0);
  });

  it('counts and logs a failure, tells it, and tries again', async () => {
    let tries = 0;
    const { job } = yearly(async () => {
      tries += 1;
      if (tries === 1) throw new Error('no space left');
      return {};
    });
    const { jobs, runsOf, errors } = runner(job);
    await jobs.start();
    await missed();
    await ended();
    expect(await state()).toMatchObject({ outcome: 'failure', failure: 'no space left' });
    expect(errors).toMatchObject([{ job: 'yearly' }]);
    expect(await runsOf('yearly', 'failure')).toBe(1);
    // The pause is over.
    await JobState.updateOne({ _id: 'yearly' }, { $set: { leaseUntil: new Date() } });
    await until('it was tried again', async () => (await state())?.outcome === 'success');
    expect((await state())?.failure).toBeUndefined();
  });

  it('asks what is running to end before it has stopped, and lets anybody begin anew', async () => {
    const { job, runs } = yearly(
      (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({}))),
    );
    const { jobs } = runner(job);
    await jobs.start();
    await missed();
    await until('it runs', () => runs.length === 1);
    await jobs.stop();
    expect(await state()).toMatchObject({ outcome: 'failure', failure: 'The service stopped.' });
    const other = yearly();
    await runner(other.job).jobs.start();
    await until('another one runs', () => other.runs.length === 1);
  });

  it('refuses a schedule that is none', () => {
    expect(() => runner({ name: 'odd', schedule: 'whenever', run: async () => ({}) })).toThrow();
  });
});

it('the list shows each job as it stands', async () => {
  const { job, runs } = yearly(
    (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({ done: 2 }))),
  );
  const { jobs } = runner(job);
  await jobs.start();
  await missed();
  await until('it runs', () => runs.length === 1);
  const admin = await person(service, { roles: ['user', 'admin'] });
  const list = async () => (await admin.call('GET', '/v1/admin/jobs')).json();
  expect(await list()).toMatchObject({ items: [{ name: 'yearly', schedule: '0 0 1 1 *', running: true }] });
  await jobs.stop();
  expect(await list()).toMatchObject({
    items: [{ running: false, outcome: 'failure', failure: 'The service stopped.', durationMs: expect.any(Number) }],
  });
});
