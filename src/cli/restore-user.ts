import { Types } from 'mongoose';
import { BackupError } from '../backup/errors.ts';
import { backupKeysOf } from '../backup/settings.ts';
import { openStorage } from '../backup/storage/open.ts';
import { transaction } from '../database.ts';
import { nameKeepingOf } from '../dependencies.ts';
import { openKeyring } from '../keyring-file.ts';
import { OPERATOR } from '../models/audit-event.ts';
import { type Rewinding, rewindingOf, rewindUser, stateOfUser } from '../models/user-rewind.ts';
import { accountAt } from '../restore/account.ts';
import { urlOf } from './backup-place.ts';
import { CommandError, say, withDatabase } from './context.ts';
import type { Options } from './restore.ts';

/** Shows what makes an account what it was, and does it if it is told to. */
export async function rewind(user: string, options: Options): Promise<void> {
  await withDatabase(async ({ config, connection }) => {
    const { to, backup, of: database = connection.name, yes } = options;
    const id = new Types.ObjectId(user);
    const storage = await openStorage(urlOf(config, options));
    try {
      const keyring = openKeyring(config);
      const wanted = { database, to, backup, userId: user, keyring };
      const then = await accountAt(storage, backupKeysOf(config), wanted);
      const rewinding = yes
        ? await transaction((tx) => rewindUser(tx, OPERATOR, nameKeepingOf(config, keyring), id, then))
        : rewindingOf(await stateOfUser(keyring, id), then);
      for (const line of linesOf(rewinding)) process.stdout.write(`${line}\n`);
      const at = then.moment.toISOString();
      say(
        yes ? `The account is what it was at ${at}; its sessions have ended.` : `As it was at ${at}. To do it: --yes`,
      );
    } catch (error) {
      throw error instanceof BackupError ? new CommandError(`Nothing was changed. ${error.message}`) : error;
    } finally {
      storage.close();
    }
  });
}

/** What nobody is shown, in whatever hands the terminal is. */
const SECRET: ReadonlySet<string> = new Set(['passwordHash']);

function* linesOf({ changes, put, removed }: Rewinding): Generator<string> {
  for (const [path, { is, was }] of Object.entries(changes))
    yield SECRET.has(path) ? `${path}: another one` : `${path}: ${textOf(is)} -> ${textOf(was)}`;
  for (const [documents, what] of [
    [put, 'comes back'],
    [removed, 'goes'],
  ] as const)
    for (const [name, own] of Object.entries(documents))
      for (const { _id, type, name: called, provider } of own)
        yield `${name} ${_id} ${what}${[type, provider, called].map((word) => (word ? `, ${word}` : '')).join('')}`;
}

const textOf = (value: unknown): string => (value === undefined ? '(none)' : JSON.stringify(value));
