import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FastifyBaseLogger } from 'fastify';
import mongoose from 'mongoose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { newBackupId } from '../../src/backup/manifest.ts';
import { listBackups, openBackup } from '../../src/backup/read.ts';
import { openBackups } from '../../src/backups.ts';
import { transaction } from '../../src/database.ts';
import { backupJob, watchBackups } from '../../src/jobs/backup.ts';
import { JobRunner } from '../../src/jobs/runner.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { OPERATOR } from '../../src/models/audit-event.ts';
import {
  BackupRun,
  BackupRunningError,
  beginBackupRun,
  failBackupRun,
  forgetBackupRun,
  isGoodBackup,
  listBackupRuns,
  newestGood,
  renewBackupRun,
} from '../../src/models/backup.ts';
import { JobState } from '../../src/models/job.ts';
import { JournalShipping } from '../../src/models/journal-shipping.ts';
import { backupRuns } from '../helpers/backup-runs.ts';
import { person } from '../helpers/people.ts';
import { STATISTICS_WITHIN_MS, sentBy, wrongIn } from '../helpers/query-plans.ts';
import { until } from '../helpers/until.ts';

const trial = backupRuns();
const { run, audited, storage } = trial;
const quiet = { info: () => {}, warn: () => {}, error: () => {} } as never as FastifyBaseLogger;

/** A file stands where a directory would have to be made. */
async function fullDisk(): Promise<string> {
  const blocked = join(await trial.freshDirectory(), 'blocked');
  await writeFile(blocked, '');
  return pathToFileURL(blocked).href;
}

describe('a run', () => {
  it('makes a backup, records it and tells the audit trail', async () => {
    const { manifest, documents, bytes } = await run();
    expect((await listBackups(storage())).map(({ id }) => id)).toEqual([manifest.id]);
    const record = await BackupRun.findOne().lean();
    expect(record).toMatchObject({
      name: manifest.id,
      outcome: 'success',
      trigger: 'command',
      location: trial.url,
      keyId: trial.keys.writing.id,
      consistent: true,
      documents,
      bytes,
    });
    expect(record?.running).toBeUndefined();
    expect(record?.manifestHash).toMatch(/^[0-9a-f]{64}$/);
    expect(await audited()).toEqual([['backup.created', 'success']]);
  });

  it('that fails is recorded with why, and leaves nothing', async () => {
    await expect(run({ url: await fullDisk() })).rejects.toThrow();
    expect(await BackupRun.findOne().lean()).toMatchObject({ outcome: 'failure', failure: expect.any(String) });
    expect(await audited()).toEqual([['backup.created', 'failure']]);
    await run();
  });

  it('that is asked to end leaves nothing, and says so', async () => {
    const stopping = new AbortController();
    const broken = run({ signal: stopping.signal, onDocuments: () => stopping.abort(new Error('stopped')) });
    await expect(broken).rejects.toThrow();
    expect(await storage().directories()).toEqual([]);
    expect(await BackupRun.findOne().lean()).toMatchObject({ outcome: 'failure' });
  });

  it('is the only one, and of several at once one makes a backup', async () => {
    const runs = await Promise.allSettled([run(), run(), run()]);
    const refused = runs.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused).toHaveLength(2);
    for (const reason of refused) expect(reason).toBeInstanceOf(BackupRunningError);
    expect(await listBackups(storage())).toHaveLength(1);
  });

  it('takes over from one that died, and the dead one is no longer in it', async () => {
    const longAgo = new Date(Date.now() - 61_000);
    const dead = await beginBackupRun(
      OPERATOR,
      { kind: 'backup', name: newBackupId(longAgo), trigger: 'schedule', location: trial.url },
      longAgo,
    );
    await run();
    expect(await BackupRun.findById(dead._id).lean()).toMatchObject({ outcome: 'failure' });
    expect(await renewBackupRun(dead)).toBe(false);
    expect(await BackupRun.countDocuments({ running: true })).toBe(0);
    expect(await audited()).toEqual([
      ['backup.created', 'failure'],
      ['backup.created', 'success'],
    ]);
  });

  it('that is whole, but cannot be recorded, is kept', async () => {
    const finishing = vi.spyOn(BackupRun, 'updateOne').mockRejectedValueOnce(new Error('gone'));
    await expect(run()).rejects.toThrow('is whole, but could not be recorded');
    finishing.mockRestore();
    const [kept] = await listBackups(storage());
    await (await openBackup(storage(), kept?.id ?? '', trial.keys)).verify();
    expect(await BackupRun.findOne().lean()).toMatchObject({ outcome: 'failure', name: kept?.id });
  });
});

it('what is asked about runs has an index', async () => {
  const at = new Date();
  await BackupRun.insertMany(
    Array.from({ length: 400 }, (_, n) => ({
      kind: 'backup' as const,
      name: `${newBackupId(at)}${n}`,
      trigger: 'command',
      location: trial.url,
      startedAt: at,
      outcome: n < 20 ? 'success' : 'failure',
    })),
  );
  const sent = await sentBy(async () => {
    const own = await beginBackupRun(OPERATOR, {
      kind: 'backup',
      name: newBackupId(at),
      trigger: 'command',
      location: trial.url,
    });
    await renewBackupRun(own);
    await transaction((tx) => failBackupRun(tx, OPERATOR, own, 'x'));
    await transaction((tx) => forgetBackupRun(tx, OPERATOR, own.name));
    await newestGood('backup', trial.url);
    await isGoodBackup(own.name);
    const { next } = await listBackupRuns(5);
    await listBackupRuns(5, next ?? '');
  });
  const ofRuns = sent.filter(({ collection }) => collection === 'backups');
  expect(ofRuns.length).toBeGreaterThan(6);
  expect(await wrongIn(ofRuns, STATISTICS_WITHIN_MS)).toEqual([]);
});

describe('by schedule', () => {
  const warnings: string[] = [];
  const log = { warn: (_fields: unknown, text: string) => void warnings.push(text) } as never;
  beforeEach(() => warnings.splice(0));
  const watch = (schedule = '17 2 * * *') =>
    watchBackups({ url: trial.url, schedule }, log).run(new AbortController().signal);

  it('a job makes one', async () => {
    const job = backupJob(
      { connection: mongoose.connection, url: trial.url, keys: trial.keys, schedule: '17 2 * * *' },
      log,
    );
    expect(await job.run(new AbortController().signal)).toMatchObject({ removed: 0, documents: expect.any(Number) });
    expect(await BackupRun.findOne().lean()).toMatchObject({ trigger: 'schedule', outcome: 'success' });
    expect(warnings).toEqual([]);
  });

  it('one of several instances makes it', async () => {
    const options = { connection: mongoose.connection, url: trial.url, keys: trial.keys, schedule: '0 0 1 1 *' };
    const runners = Array.from({ length: 3 }, () => {
      const runner = new JobRunner({ log: quiet, metrics: trial.service.app.metrics, sweepMs: 50 });
      runner.register(backupJob(options, quiet));
      return runner;
    });
    await runners[0]?.start();
    await JobState.updateOne({ _id: 'backup' }, { $set: { dueAt: new Date(0) } });
    await Promise.all(runners.slice(1).map((runner) => runner.start()));
    await until('it was made', async () => (await JobState.findById('backup').lean())?.outcome === 'success');
    await Promise.all(runners.map((runner) => runner.stop()));
    expect(await listBackups(storage())).toHaveLength(1);
    expect(await BackupRun.countDocuments()).toBe(1);
  });

  it('none is made unless it is said where to, and it is said when they are in clear', async () => {
    expect(openBackups(trial.service.app, mongoose.connection, '')).toEqual([]);
    const plain = await trial.service.another({ BACKUP_URL: trial.url });
    const names = openBackups(plain.app, mongoose.connection, '').map(({ name }) => name);
    expect(names).toEqual(['ship-journal', 'backup', 'drill', 'watch-backups']);
    expect(plain.log()).toContain('backups are not encrypted');
    const encrypted = await trial.service.another({ BACKUP_URL: trial.url, BACKUP_KEYS: generateKeyringSpec() });
    openBackups(encrypted.app, mongoose.connection, '');
    expect(encrypted.log()).not.toContain('not encrypted');
  });

  it('it is said when there is no good one of the last 26 hours', async () => {
    expect(await watch()).toMatchObject({ overdue: 1 });
    await run();
    expect(await watch()).toMatchObject({ overdue: 0 });
    await BackupRun.updateOne({}, { $set: { startedAt: new Date(Date.now() - 27 * 3_600_000) } });
    expect(await watch()).toMatchObject({ overdue: 1 });
    await expect(run({ url: await fullDisk() })).rejects.toThrow();
    expect(await watch()).toMatchObject({ overdue: 1 });
    expect(warnings.filter((text) => text.includes('good'))).toEqual(
      Array(3).fill('there is no good backup of the last 26 hours'),
    );
    expect(await watch('0 3 * * 0')).toMatchObject({ overdue: 0 });
    await run({ url: pathToFileURL(await trial.freshDirectory()).href });
    expect(await watch()).toMatchObject({ overdue: 1 });
  });

  it('it is said when the journal beside them is behind', async () => {
    expect(await watch()).toMatchObject({ behind: 1 });
    await run({ isShippedTo: true });
    expect(await watch()).toMatchObject({ behind: 0 });
    await JournalShipping.updateOne({}, { $set: { through: new Date(Date.now() - 11 * 60_000) } });
    expect(await watch()).toMatchObject({ behind: 1 });
    expect(warnings.filter((text) => text.includes('journal'))).toHaveLength(2);
  });

  it('metrics tell how old they are, and how far the journal is', async () => {
    const service = await trial.service.another({ BACKUP_URL: trial.url });
    openBackups(service.app, mongoose.connection, '');
    const scraped = async () => {
      const text = await service.app.metrics.registry.metrics();
      return ['backup', 'journal', 'drill'].map(
        (what) => text.match(new RegExp(`^roster_${what}_age_seconds (.*)$`, 'm'))?.[1],
      );
    };
    expect(await scraped()).toEqual(Array(3).fill('+Inf'));
    await run({ isShippedTo: true });
    const [backup, journal, drill] = await scraped();
    expect([Number(backup) < 60, Number(journal) < 60, drill]).toEqual([true, true, '+Inf']);
  });
});

it('admins see the runs, newest first, page by page', async () => {
  const admin = await person(trial.service, { roles: ['user', 'admin'] });
  await expect(run({ url: await fullDisk() })).rejects.toThrow();
  const { manifest } = await run();
  const first = await admin.call('GET', '/v1/admin/backups', undefined, { query: { limit: '1' } });
  expect(first.json().items).toEqual([
    expect.objectContaining({
      name: manifest.id,
      outcome: 'success',
      keyId: trial.keys.writing.id,
      location: trial.url,
    }),
  ]);
  expect(first.headers['link']).toContain('rel="next"');
  const { nextCursor } = first.json();
  const second = await admin.call('GET', '/v1/admin/backups', undefined, { query: { limit: '1', cursor: nextCursor } });
  expect(second.json()).toMatchObject({ items: [{ outcome: 'failure' }], nextCursor: null });
  const support = await person(trial.service, { roles: ['user', 'support'] });
  expect((await support.call('GET', '/v1/admin/backups')).statusCode).toBe(403);
});
