import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import mongoose from 'mongoose';
import { describe, expect, it, vi } from 'vitest';
import { newBackupId } from '../../src/backup/manifest.ts';
import { listBackups } from '../../src/backup/read.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { BackupRun } from '../../src/models/backup.ts';
import { backupRuns } from '../helpers/backup-runs.ts';

const trial = backupRuns();
const { run, audited, storage } = trial;

describe('a run', () => {
  it('removes what runs left that were killed, and nothing else', async () => {
    const left = newBackupId(new Date());
    const name = mongoose.connection.name;
    async function* some() {
      yield Buffer.from('x');
    }
    await storage().write(`${left}/${name}/users.bson.gz`, some());
    const others = `${newBackupId(new Date()).slice(0, -8)}00000000`;
    await storage().write(`${others}/other/users.bson.gz`, some());
    await storage().write('photographs/holiday.jpg', some());
    const { manifest } = await run();
    expect((await storage().directories()).sort()).toEqual([others, manifest.id, 'photographs'].sort());
  });

  /** So many of one day, of which the newest stands for it, each a second after the one before. */
  async function ofOneDay(count: number): Promise<string[]> {
    const names: string[] = [];
    const noon = new Date().setUTCHours(12, 0, 0, 0);
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      for (let n = 0; n < count; n += 1) {
        vi.setSystemTime(noon + n * 1_000);
        names.push((await run()).manifest.id);
      }
    } finally {
      vi.useRealTimers();
    }
    return names;
  }
  const removals = async () => (await audited()).filter(([action]) => action === 'backup.removed');

  it('removes backups that have had their time, and forgets them', async () => {
    const [first, , , newest] = await ofOneDay(4);
    expect((await listBackups(storage())).map(({ id }) => id)).toEqual([newest, first]);
    expect(await BackupRun.distinct('name')).toEqual([first, newest]);
    expect(await removals()).toHaveLength(2);
  });

  it('does not remove what it has made, though others have names of later times', async () => {
    const { manifest } = await run();
    const later = `${manifest.id.slice(0, 8)}T235959Z-ffffffff`;
    await rename(join(fileURLToPath(trial.url), manifest.id), join(fileURLToPath(trial.url), later));
    const path = join(fileURLToPath(trial.url), later, 'manifest.json');
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(manifest.id, later));
    const made = await run();
    expect(made.removed).toEqual([]);
    expect((await listBackups(storage())).map(({ id }) => id)).toEqual([later, made.manifest.id]);
  });

  it('goes on with a removal that was broken off, and tells of it once', async () => {
    const directory = vi.spyOn(DirectoryStorage.prototype, 'removeDirectory').mockRejectedValueOnce(new Error('busy'));
    const record = vi.spyOn(BackupRun, 'deleteOne').mockRejectedValueOnce(new Error('gone'));
    await ofOneDay(5);
    directory.mockRestore();
    record.mockRestore();
    const { manifest } = await run();
    const left = (await storage().directories()).filter((id) => id !== manifest.id);
    expect(await BackupRun.distinct('name')).toEqual([...left, manifest.id].sort());
    expect(await removals()).toHaveLength(6 - 1 - left.length);
  });

  it('neither removes nor stumbles over one whose manifest cannot be read', async () => {
    const names = [(await run()).manifest.id, (await run()).manifest.id].sort();
    const [left] = names as [string];
    const path = join(fileURLToPath(trial.url), left, 'manifest.json');
    await mkdir(join(fileURLToPath(trial.url), left), { recursive: true });
    await writeFile(path, '{');
    const { notRemoved } = await run();
    expect(notRemoved).toBeUndefined();
    expect(await readFile(path, 'utf8')).toBe('{');
    const told: string[] = [];
    await listBackups(storage(), ({ message }) => void told.push(message));
    expect(told).toEqual([expect.stringContaining(left)]);
  });

  it('touches no backup of another database', async () => {
    const { manifest } = await run();
    const id = `${manifest.id.slice(0, -8)}ffffffff`;
    const [own, foreign] = [manifest.id, id].map((name) => join(fileURLToPath(trial.url), name)) as [string, string];
    const text = await readFile(join(own, 'manifest.json'), 'utf8');
    await mkdir(foreign);
    await writeFile(
      join(foreign, 'manifest.json'),
      text.replace(`"database": "${manifest.database}"`, '"database": "other"').replaceAll(manifest.id, id),
    );
    await run();
    expect(await readdir(foreign)).toEqual(['manifest.json']);
  });
});
