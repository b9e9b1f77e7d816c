import type { Connection } from 'mongoose';
import { loadConfig } from '../config.ts';
import { nameKeepingOf } from '../dependencies.ts';
import { countOutdatedNames, settleNames } from '../key-rotation/names.ts';
import { reencrypt } from '../key-rotation/reencrypt.ts';
import type { Rewriting } from '../key-rotation/rewrite.ts';
import { type KeyCount, type Survey, survey } from '../key-rotation/survey.ts';
import { countDocuments } from '../key-rotation/walk.ts';
import { openKeyring } from '../keyring-file.ts';
import type { FieldContext } from '../lib/keyring.ts';
import { countSessionsByKey, type SessionsOfKey } from '../models/session-keys.ts';
import { User } from '../models/user.ts';
import type { NameKeeping } from '../models/user-names.ts';
import { count, showProgress } from '../progress.ts';
import { say, UsageError, withDatabase } from './context.ts';

interface Rotation extends Survey {
  /** Undefined when nothing was to be changed. */
  readonly done: (Rewriting & { readonly names: number }) | undefined;
  /** Accounts whose names are not written as ENCRYPT_NAMES says. */
  readonly outdatedNames: number;
  readonly sessions: ReadonlyMap<string, SessionsOfKey>;
}

interface RotateOptions {
  readonly dryRun?: boolean;
  readonly openNames?: boolean;
}

export async function rotateKeyring({ dryRun = false, openNames = false }: RotateOptions): Promise<void> {
  if (openNames && loadConfig().ENCRYPT_NAMES)
    throw new UsageError('--open-names is for where ENCRYPT_NAMES is not set.');
  await withDatabase(async ({ config, connection }) => {
    const keyring = openKeyring(config);
    const names = nameKeepingOf(config, keyring);
    // What a shell does not have set must not bring everybody's names into the open.
    const settles = names.encrypted || openNames;
    const rotation = await rotate(connection, names, { dryRun, settles });
    tellFailures(rotation);
    process.stdout.write(
      `${[...report(rotation, keyring.keyIds), ...namesReport(rotation, { ...names, settles })].join('\n')}\n`,
    );
    const others = rotation.counts.some(({ keyId }) => keyId !== keyring.keyIds[0]);
    const left = !dryRun && (others || (settles && rotation.outdatedNames > 0));
    if (rotation.unreadable > 0 || left) process.exitCode = 1;
  });
}

interface Steps {
  readonly dryRun: boolean;
  /** Whether names are brought into the form in which they are written. */
  readonly settles: boolean;
}

async function rotate(connection: Connection, names: NameKeeping, { dryRun, settles }: Steps): Promise<Rotation> {
  const { keyring } = names;
  const db = connection.getClient().db(connection.name);
  const passes = dryRun ? 1 : 2;
  const namePasses = !dryRun && settles ? 2 : 1;
  const progress = showProgress<number>(process.stderr, {
    total: passes * (await countDocuments(db)) + namePasses * (await User.estimatedDocumentCount()),
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
    const done = dryRun ? undefined : await change(connection, names, settles, onDocuments);
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

async function change(
  connection: Connection,
  names: NameKeeping,
  settles: boolean,
  onDocuments: (count: number) => void,
): Promise<Rotation['done']> {
  // First: what it encrypts is by the writing key.
  const settled = settles ? await settleNames(names, onDocuments) : { rewritten: 0, refused: [] };
  const { rewritten, refused } = await reencrypt(connection, names.keyring, onDocuments);
  return { names: settled.rewritten, rewritten, refused: [...settled.refused, ...refused] };
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

function* namesReport(
  { done, outdatedNames }: Rotation,
  { encrypted, settles }: NameKeeping & { readonly settles: boolean },
): Generator<string> {
  const [did, would, is] = encrypted ? ['Encrypted', 'encrypt', 'in clear'] : ['Opened', 'open', 'encrypted'];
  if (done && done.names > 0) yield `${did} the names of ${accounts(done.names)}.`;
  if (outdatedNames === 0) return;
  const names = `the names of ${accounts(outdatedNames)}`;
  if (!settles) yield `Left encrypted: ${names}. ENCRYPT_NAMES is not set here; to open them, add --open-names.`;
  else if (!done) yield `Would ${would} ${names}.`;
  else yield `Still ${is}: ${names}. If an instance has another ENCRYPT_NAMES, give it this one; then run this again.`;
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
