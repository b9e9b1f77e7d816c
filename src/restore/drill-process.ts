/**
 * The part of a drill that is done in a process of its own: models live on one connection in a process, and those of
 * whoever asks for the drill are at work elsewhere. Told by its arguments which database to make anew on the server of
 * MONGODB_URI, it writes what it has found as one line of JSON. It ends when nobody listens any more.
 */
import type { Connection } from 'mongoose';
import { backupKeysOf } from '../backup/settings.ts';
import { openStorage } from '../backup/storage/open.ts';
import { loadConfig } from '../config.ts';
import { connect, disconnect } from '../database.ts';
import { openKeyring } from '../keyring-file.ts';
import { withMigrationClient } from '../migrations.ts';
import { examine } from './examine.ts';
import { restore } from './restore.ts';

export interface DrillFindings {
  readonly backup: string;
  readonly moment: string;
  readonly entries: number;
  readonly documents: number;
  /** What is wrong; empty when nothing is. */
  readonly problems: readonly string[];
}

process.stdin.on('end', () => process.exit(1)).resume();

const [, , url = '', database = '', scratch = ''] = process.argv;

async function drill(): Promise<DrillFindings> {
  const config = loadConfig();
  const { MONGODB_URI: uri = '' } = config;
  const keyring = openKeyring(config);
  const storage = await openStorage(url);
  try {
    return await withMigrationClient(uri, async (client) => {
      const target = client.db(scratch);
      try {
        let connection: Connection | undefined;
        const connectModels = async () => {
          connection = await connect(uri, config, scratch);
        };
        const keys = backupKeysOf(config);
        const say = (): void => {};
        const report = await restore({ storage, keys, keyring, database, client, target, connectModels, say });
        const documents = Object.values(report.collections).reduce((sum, each) => sum + each.documents, 0);
        const problems = connection ? await examine(connection, config, keyring) : ['the models were not connected'];
        const { backup, moment, replayed: entries } = report;
        return { backup, moment: moment.toISOString(), entries, documents, problems };
      } finally {
        await disconnect();
        await target.dropDatabase();
      }
    });
  } finally {
    storage.close();
  }
}

try {
  process.stdout.write(`${JSON.stringify(await drill())}\n`);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
