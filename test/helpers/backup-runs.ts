import { fileURLToPath, pathToFileURL } from 'node:url';
import mongoose from 'mongoose';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type BackupResult, type RunOptions, runBackup } from '../../src/backup/run.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { AuditEvent, OPERATOR } from '../../src/models/audit-event.ts';
import { BackupRun } from '../../src/models/backup.ts';
import { buildTestApp, type TestApp } from './app.ts';
import { directories, freshKeys } from './backups.ts';

/** For the tests of a file: the service, and for each of them a place where no backups are. */
export function backupRuns() {
  const freshDirectory = directories();
  const keys = freshKeys();
  let service: TestApp;
  let url: string;
  beforeAll(async () => {
    service = await buildTestApp();
  });
  afterAll(() => service.close());
  beforeEach(async () => {
    await BackupRun.deleteMany({});
    await AuditEvent.deleteMany({});
    url = pathToFileURL(await freshDirectory()).href;
  });
  return {
    keys,
    freshDirectory,
    get service() {
      return service;
    },
    get url() {
      return url;
    },
    storage: () => new DirectoryStorage(fileURLToPath(url)),
    run: (more: Partial<RunOptions> = {}): Promise<BackupResult> =>
      runBackup({
        connection: mongoose.connection,
        url,
        keys,
        isShippedTo: false,
        trigger: 'command',
        origin: OPERATOR,
        signal: new AbortController().signal,
        ...more,
      }),
    /** Events about backups, with their outcomes. */
    audited: async () => {
      const events = await AuditEvent.find({ action: /^backup\./ })
        .sort({ _id: 1 })
        .lean();
      return events.map(({ action, outcome }) => [action, outcome]);
    },
  };
}
