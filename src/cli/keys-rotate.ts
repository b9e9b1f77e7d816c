import type { Connection } from 'mongoose';
import { nameKeepingOf } from '../dependencies.ts';
import { countOutdatedNames, settleNames } from '../key-rotation/names.ts';
import { type Reencryption, reencrypt } from '../key-rotation/reencrypt.ts';
import { type KeyCount, type Survey, survey } from '../key-rotation/survey.ts';
import { countDocuments } from '../key-rotation/walk.ts';
import { openKeyring } from '../keyring-file.ts';
import type { FieldContext } from '../lib/keyring.ts';
import { countSessionsByKey, type SessionsOfKey } from '../models/session-keys.ts';
import type { NameKeeping } from '../models/user-names.ts';
import { count, showProgress } from '../progress.ts';
import { say, withDatabase } from './context.ts';

interface Rotation extends Survey {
  /** Undefined when nothing was to be changed. */
  readonly done: (Reencryption & { readonly names: number }) | undefined;
  /** Accounts whose names are not written as ENCRYPT_NAMES says. */
  readonly outdatedNames: number;
  readonly sessions: ReadonlyMap<string, SessionsOfKey>;
}

export async function rotateKeyring({ dryRun = false }: { readonly dryRun?: boolean }): Promise<void> {
  await withDatabase(async ({ config, connection }) => {
    const keyring = openKeyring(config);
    const names = nameKeepingOf(config, keyring);
    const rotation = await rotate(connection, names, dryRun);
    tellFailures(rotation);
    process.stdout.write(`${[...report(rotation, keyring.keyIds), ...namesReport(rotation, names)].join('\n')}\n`);
    const others = rotation.counts.some(({ keyId }) => keyId !== keyring.keyIds[0]);
    const left = !dryRun && (others || rotation.outdatedNames > 0);
    if (rotation.unreadable > 0 || left) process.exitCode = 1;
  });
}

async function rotate(connection: Connection, names: NameKeeping, dryRun: boolean): Promise<Rotation> {
  const { keyring } = names;
  const db = connection.getClient().db(connection.name);
  const passes = dryRun ? 1 : 2;
  const progress = showProgress<number>(process.stderr, {
    total: passes * (await countDocuments(db)),
    whole: 'all',
    done: (documents) => documents,
    unit: 'documents',
    counted: (documents) => documents,
  });
  let documents = 0;
  const onDocuments = (more: number): void => {
    documents += more;
    progress.update(documents);
  };
  try {
    const done = dryRun
      ? undefined
      : {
          // First: what it encrypts is by the writing key.
          names: await settleNames(names, onDocuments),
          ...(await reencrypt(connection, keyring, onDocuments)),
        };
    return {
      done,
      ...(await survey(db, keyring, onDocuments)),
      outdatedNames: await countOutdatedNames(names, onDocuments),
      sessions: await countSessionsByKey(keyring),
    };
  } finally {
    progress.stop();
  }
}

const placeText = ({ collection, record, field }: FieldContext): string => `${collection} ${record} ${field}`;

/** Names the places, so that somebody can look after them; what is stored there is nobody's to read. */
function tellFailures({ done, unreadable, listed }: Rotation): void {
  for (const { place, code } of done?.refused ?? [])
    say(`Not rewritten: ${placeText(place)}: the database refused the change (code ${code})`);
  for (const { place, keyId, reason } of listed)
    say(`Not readable: ${placeText(place)}${keyId === undefined ? '' : `, key ${keyId}`}: ${reason}`);
  if (unreadable > listed.length) say(`… and ${count(unreadable - listed.length)} more that are not readable`);
}

function* namesReport({ done, outdatedNames }: Rotation, { encrypted }: NameKeeping): Generator<string> {
  const [did, would, is] = encrypted ? ['Encrypted', 'encrypt', 'in clear'] : ['Opened', 'open', 'encrypted'];
  if (done && done.names > 0) yield `${did} the names of ${accounts(done.names)}.`;
  if (outdatedNames === 0) return;
  yield done
    ? `${accounts(outdatedNames)} still have names that are ${is}. If an instance has another ENCRYPT_NAMES, give it this one; then run this again.`
    : `Would ${would} the names of ${accounts(outdatedNames)}.`;
}

function report(
  { done, counts, unreadable, sessions }: Rotation,
  [writing = '', ...others]: readonly string[],
): string[] {
  const old = counts.filter(({ keyId }) => keyId !== writing).reduce((sum, each) => sum + each.count, 0);
  return [
    done
      ? `Encrypted ${values(done.rewritten)} with ${writing} anew.`
      : `Would encrypt ${values(old)} with ${writing}.`,
    ...table(counts),
    ...(unreadable > 0 ? [`${values(unreadable)} cannot be read.`] : []),
    ...others.map((keyId) => verdict(keyId, total(counts, keyId), sessions.get(keyId), done !== undefined)),
  ];
}

const accounts = (number: number): string => `${count(number)} ${number === 1 ? 'account' : 'accounts'}`;

const values = (number: number): string => `${count(number)} ${number === 1 ? 'value' : 'values'}`;

const total = (counts: readonly KeyCount[], wanted: string): number =>
  counts.filter(({ keyId }) => keyId === wanted).reduce((sum, each) => sum + each.count, 0);

function verdict(keyId: string, needed: number, sessions: SessionsOfKey | undefined, ran: boolean): string {
  if (needed > 0 && ran)
    return `${keyId} must stay in KEYRING: ${values(needed)} still need it. If an instance writes with it, give that one the new KEYRING; then run this again.`;
  if (needed > 0) return `${keyId} must stay in KEYRING: ${values(needed)} need it.`;
  if (sessions === undefined) return `${keyId} may be dropped from KEYRING.`;
  return `${keyId} may be dropped from KEYRING, but ${count(sessions.count)} sessions have a refresh token of it and would end. By ${sessions.until.toISOString()} all of them have another one, or have ended.`;
}

/** One line for each field and key, in columns. */
function table(counts: readonly KeyCount[]): string[] {
  const rows = [
    ['field', 'key', 'values'],
    ...counts.map((each) => [`${each.collection}.${each.path}`, each.keyId, count(each.count)]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  );
}
