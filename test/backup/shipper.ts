/** Ships the journal of MONGODB_URI to BACKUP_URL again and again, and says so each time, until it is killed. */

import { setTimeout as pause } from 'node:timers/promises';
import mongoose from 'mongoose';
import { shipJournal } from '../../src/backup/journal/ship.ts';
import { backupKeysOf } from '../../src/backup/settings.ts';
import { openStorage } from '../../src/backup/storage/open.ts';
import { loadConfig } from '../../src/config.ts';
import { connect } from '../../src/database.ts';

const config = loadConfig();
await connect(config.MONGODB_URI ?? '', config);
const storage = await openStorage(config.BACKUP_URL ?? '');
const { signal } = new AbortController();
for (;;) {
  await shipJournal({ storage, database: mongoose.connection.name, keys: backupKeysOf(config), signal });
  process.stdout.write('shipped\n');
  await pause(5);
}
