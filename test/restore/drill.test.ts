import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mongoose from 'mongoose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { drillJob } from '../../src/jobs/backup.ts';
import { AuditEvent, OPERATOR } from '../../src/models/audit-event.ts';
import { BackupRun, beginBackupRun, failBackupRun } from '../../src/models/backup.ts';
import { runDrill } from '../../src/restore/drill.ts';
import { person } from '../helpers/people.ts';
import { restores } from '../helpers/restores.ts';

const trial = restores();

const env = () => ({ NODE_ENV: 'test', KEYRING: trial.service.config.KEYRING ?? '', BACKUP_KEYS: trial.keySpec });
const uri = () => trial.service.config.MONGODB_URI ?? '';

const drill = () =>
  runDrill({
    connection: mongoose.connection,
    uri: uri(),
    url: trial.url,
    trigger: 'command',
    origin: OPERATOR,
    signal: new AbortController().signal,
    env: env(),
  });

/** Databases that a drill has made, and not dropped. */
async function leftOvers(): Promise<string[]> {
  const { databases } = await trial.client.db().admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => name.startsWith(`${mongoose.connection.name}_drill_`));
}

const told = async () =>
  (await AuditEvent.find({ action: 'backup.verified' }).sort({ _id: -1 }).limit(1).lean()).map(
    ({ outcome, reason }) => reason ?? outcome,
  );

let documents: number;
beforeAll(async () => {
  await person(trial.service);
  await trial.ship();
  documents = (await trial.backUp()).documents;
  await person(trial.service);
  await trial.ship();
}, 60_000);
beforeEach(async () => {
  await BackupRun.deleteMany({ kind: 'drill' });
});

describe('a drill', () => {
  it('restores the newest backup and the journal, looks at all of it, drops it and records that', async () => {
    await trial.client.db(`${mongoose.connection.name}_drill_leftover`).collection('users').insertOne({});
    const result = await drill();
    expect(result).toMatchObject({ problems: [], durationMs: expect.any(Number) });
    expect(result.entries).toBeGreaterThan(5);
    expect(result.bytes).toBeGreaterThan(1_000);
    expect(result.documents).toBeGreaterThan(documents / 2);
    expect(await leftOvers()).toEqual([]);
    expect(await told()).toEqual(['success']);
    const admin = await person(trial.service, { roles: ['admin'] });
    const [listed] = (await admin.call('GET', '/v1/admin/backups')).json().items;
    expect(listed).toMatchObject({
      kind: 'drill',
      outcome: 'success',
      name: result.name,
      restored: result.backup,
      moment: result.moment,
      entries: result.entries,
      bytes: result.bytes,
    });
  }, 60_000);

  it('is the only one, and none is made while a backup is', async () => {
    const other = { kind: 'backup', name: 'other', trigger: 'command', location: trial.url } as const;
    const run = await beginBackupRun(OPERATOR, other);
    await expect(drill()).rejects.toThrow('under way');
    await transaction((tx) => failBackupRun(tx, OPERATOR, run, 'x'));
  });

  it('fails, and says so everywhere, where the journal has a segment that was altered', async () => {
    const directory = join(fileURLToPath(trial.url), 'journal');
    const [timeline = ''] = await readdir(directory);
    const segments = (await readdir(join(directory, timeline))).filter((name) => name.startsWith('0'));
    const path = join(directory, timeline, segments.at(-1) ?? '');
    const good = await readFile(path);
    const bad = Buffer.from(good);
    bad[100] = (bad[100] ?? 0) ^ 1;
    await writeFile(path, bad);
    const job = drillJob({
      connection: mongoose.connection,
      uri: uri(),
      url: trial.url,
      schedule: '0 0 1 1 *',
      env: env(),
    });
    await expect(job.run(new AbortController().signal)).rejects.toThrow(/does not open|not the segment/);
    expect(await BackupRun.findOne({ kind: 'drill' }).lean()).toMatchObject({
      outcome: 'failure',
      trigger: 'schedule',
      failure: expect.stringContaining(segments.at(-1) ?? ''),
    });
    expect(await told()).toEqual(['drill-failed']);
    expect(await leftOvers()).toEqual([]);
    await writeFile(path, good);
  }, 60_000);
});
