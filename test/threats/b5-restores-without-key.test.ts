// B5: the restore that was let down halfway. Elsewhere a wrong key was noticed when half of the target had been
// overwritten; or whoever could write where the backups were took away the last hours of the log, put an older copy of it
// in its place or one of their own, and the database that came of it passed for the whole one. Here all that is needed is
// read and known to be what was written before anything is, and the segments of the journal show no plaintext.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { shipJournal } from '../../src/backup/journal/ship.ts';
import { parseBackupKeys } from '../../src/backup/keys.ts';
import { DirectoryStorage } from '../../src/backup/storage/directory.ts';
import { generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { JournalShipping } from '../../src/models/journal-shipping.ts';
import type { RestoreOptions } from '../../src/restore/restore.ts';
import { uriOf } from '../helpers/databases.ts';
import { person } from '../helpers/people.ts';
import { restores } from '../helpers/restores.ts';
import { roster } from '../helpers/roster.ts';

const CANARY = 'Canary-Restored';
const SPEC = generateKeyringSpec();
const KEYRING = generateKeyringSpec();
const trial = restores(async () => ({ KEYRING }), SPEC);
const { keys } = trial;

/** The files of the backup and of its line, as they are when all is well. */
const files = new Map<string, Buffer>();
let root: string;
let line: string;
let backup: string;
const segments: string[] = [];
/** What the head was before the last segment. */
let olderHead: Buffer;
/** A segment in clear, as one would be shipped without keys. */
let clear: { segment: Buffer; head: Buffer };

async function note(): Promise<void> {
  const { call } = await person(trial.service);
  await call('PATCH', '/v1/users/me', { firstName: CANARY });
  await ship();
}
const ship = (at = root, by: { keys: typeof keys | undefined } = { keys }) =>
  shipJournal({
    storage: new DirectoryStorage(at),
    database: trial.source().databaseName,
    ...by,
    signal: new AbortController().signal,
  });

beforeAll(async () => {
  root = fileURLToPath(trial.url);
  await note();
  backup = (await trial.backUp()).manifest.id;
  line = join('journal', (await JournalShipping.findOne().orFail().lean()).timeline);
  await note();
  await note();
  olderHead = await readFile(join(root, line, 'head.json'));
  await note();
  segments.push(...(await readdir(join(root, line))).filter((name) => name !== 'head.json').sort());
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      files.set(join(entry.parentPath, entry.name), await readFile(join(entry.parentPath, entry.name)));
  clear = await shippedInClear();
});

/** By the same service, with its keys left out. */
async function shippedInClear() {
  const elsewhere = await trial.freshDirectory();
  await ship(elsewhere, { keys: undefined });
  await person(trial.service);
  await ship(elsewhere, { keys: undefined });
  const [id = ''] = await readdir(join(elsewhere, 'journal'));
  const names = await readdir(join(elsewhere, 'journal', id));
  const segment = names.find((name) => name.endsWith('.bson.gz')) ?? '';
  return {
    segment: await readFile(join(elsewhere, 'journal', id, segment)),
    head: await readFile(join(elsewhere, 'journal', id, 'head.json')),
  };
}

/** Does something to the stored files, tries to restore them, and puts everything back. */
async function refused(tamper: () => Promise<unknown>, more: Partial<RestoreOptions> = {}): Promise<string> {
  const db = trial.fresh();
  try {
    await tamper();
    const error = await trial.moved({ target: db, ...more }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(await db.listCollections().toArray()).toEqual([]);
    expect(error).toBeDefined();
    return `${error?.name}: ${error?.message}`;
  } finally {
    await rm(root, { recursive: true });
    for (const [path, bytes] of files) {
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, bytes);
    }
  }
}

const inLine = (name: string) => join(root, line, name);
const last = () => inLine(segments.at(-1) ?? '');
const middle = () => inLine(segments.at(-2) ?? '');
const manifest = () => join(root, backup, 'manifest.json');
const altered = async (path: string, change: (bytes: Buffer) => Buffer) =>
  writeFile(path, change(await readFile(path)));
const flipped = (bytes: Buffer): Buffer => {
  const at = bytes.length >> 1;
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([(bytes[at] ?? 0) ^ 1]), bytes.subarray(at + 1)]);
};
const withField = (name: string, value: unknown) => (bytes: Buffer) =>
  Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), [name]: value }));

describe('keys', () => {
  it.each([
    ['none', undefined],
    ['of another name', generateKeyringSpec()],
    ['of the same name, another one', `${SPEC.split(':')[0]}:${generateKeyringSpec().split(':')[1]}`],
  ])('for backups: %s', async (_name, spec) => {
    const other = spec === undefined ? undefined : parseBackupKeys(spec);
    expect(await refused(async () => {}, { keys: other })).toMatch(/^BackupKeyError: .*(BACKUP_KEYS|key)/);
  });

  it('for fields: another one', async () => {
    const other = parseKeyring(generateKeyringSpec());
    expect(await refused(async () => {}, { keyring: other })).toMatch(/KEYRING does not open/);
  });

  it('that are wrong end the command before it has written anything', async () => {
    const db = trial.fresh();
    const env = { MONGODB_URI: uriOf(trial.source().databaseName), KEYRING, BACKUP_URL: pathToFileURL(root).href };
    const args = ['restore', '--into', db.databaseName];
    for (const more of [{}, { BACKUP_KEYS: generateKeyringSpec() }]) {
      const { code, stdout, stderr } = await roster(args, { env: { ...env, ...more } });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/BACKUP_KEYS/);
    }
    expect(await db.listCollections().toArray()).toEqual([]);
  });
});

describe('without the key', () => {
  it('no segment and no head shows any plaintext, nor is it compressed plaintext', async () => {
    expect(segments.length).toBeGreaterThan(3);
    for (const name of segments) {
      const bytes = await readFile(inLine(name));
      for (const secret of [CANARY, 'example.com', 'passwordHash', 'users']) expect(bytes.includes(secret)).toBe(false);
      for (const from of [0, 16, 40]) expect(() => gunzipSync(bytes.subarray(from))).toThrow();
    }
    expect((await readFile(inLine('head.json'), 'utf8')).includes(CANARY)).toBe(false);
    // One in clear would.
    expect(gunzipSync(clear.segment).includes('example.com')).toBe(true);
  });
});

describe('what was tampered with is refused', () => {
  const cases: Record<string, [() => Promise<unknown>, RegExp]> = {
    'the manifest, altered': [() => altered(manifest(), withField('migrations', [])), /was altered/],
    'the manifest, cut': [() => altered(manifest(), (bytes) => bytes.subarray(0, -9)), /no backup|damaged/],
    'the manifest, in clear': [() => altered(manifest(), withField('encryption', null)), /is in clear/],
    'the manifest, with an older line': [
      () => altered(manifest(), withField('timeline', '0'.repeat(16))),
      /was altered/,
    ],
    'the head, altered': [
      () => altered(inLine('head.json'), withField('through', '2020-01-01T00:00:00.000Z')),
      /altered/,
    ],
    'the head, cut': [() => altered(inLine('head.json'), (bytes) => bytes.subarray(0, -9)), /damaged/],
    'the head, removed': [() => rm(inLine('head.json')), /There is no journal/],
    'the head, in clear': [() => altered(inLine('head.json'), withField('encryption', null)), /is in clear/],
    'the head, of another line': [() => writeFile(inLine('head.json'), clear.head), /is that of another one/],
    'the last segment, altered': [() => altered(last(), flipped), /./],
    'the last segment, cut': [() => altered(last(), (bytes) => bytes.subarray(0, -1)), /./],
    'the last segment, removed': [() => rm(last()), /is missing/],
    'the last segment, an older one': [async () => writeFile(last(), await readFile(middle())), /./],
    'the last segment, in clear': [() => writeFile(last(), clear.segment), /./],
    'a segment in between, altered': [() => altered(middle(), flipped), /./],
    'a segment in between, removed': [() => rm(middle()), /is missing/],
    'a segment in between, a later one': [async () => writeFile(middle(), await readFile(last())), /./],
    'one that is in clear behind the last': [
      () => writeFile(inLine('0000000099-20990101T000000Z-00000000.bson.gz'), clear.segment),
      /is in clear/,
    ],
    'one under the name of the next': [
      async () =>
        writeFile(
          inLine(`0000000099-20990101T000000Z-00000000.${SPEC.split(':')[0]}.bson.gz.enc`),
          await readFile(last()),
        ),
      /./,
    ],
  };
  it.each(Object.entries(cases))('%s', async (_name, [tamper, why]) => {
    const refusal = await refused(tamper);
    expect(refusal).toMatch(/^Backup(Damaged|Key)?Error: /);
    expect(refusal).toMatch(why);
  });

  it('but an older head in its place loses nothing', async () => {
    const whole = await trial.restored();
    await writeFile(inLine('head.json'), olderHead);
    const { db, report } = await trial.restored();
    await writeFile(inLine('head.json'), files.get(inLine('head.json')) ?? '');
    expect(report.replayed).toBe(whole.report.replayed);
    expect(await db.collection('users').countDocuments({ firstName: CANARY })).toBe(4);
  });
});
