import mongoose from 'mongoose';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Manifest, newBackupId, writeManifest } from '../../src/backup/manifest.ts';
import { openBackup } from '../../src/backup/read.ts';
import { writeBackup } from '../../src/backup/write.ts';
import { findPoint, type Wanted } from '../../src/restore/point.ts';
import { person } from '../helpers/people.ts';
import { restores } from '../helpers/restores.ts';
import { until } from '../helpers/until.ts';

const trial = restores();

/** Two backups, the second after a change, and the journal to some time after it. */
let backups: Manifest[];
let before: Date;
beforeAll(async () => {
  before = new Date();
  await trial.ship();
  const first = await trial.backUp();
  // Names tell the second, and the order of backups.
  const secondOf = (time: number) => Math.floor(time / 1_000);
  const made = Date.now();
  await until('another second', () => secondOf(Date.now()) > secondOf(made));
  await person(trial.service);
  const second = await trial.backUp();
  await person(trial.service);
  await trial.ship();
  backups = [first.manifest, second.manifest];
});

const find = (wanted: Partial<Wanted> = {}) =>
  findPoint(trial.storage(), trial.keys, { database: mongoose.connection.name, ...wanted });
const ids = () => backups.map(({ id }) => id) as [string, string];
const finished = (n: number) => new Date(backups[n]?.finishedAt ?? '');
const later = () => new Date(Date.now() + 60_000);

describe('a moment', () => {
  it('is the latest that there is, unless one is given', async () => {
    const { backup, moment, journal } = await find();
    expect(backup.manifest.id).toBe(ids()[1]);
    expect(moment).toEqual(journal?.through);
    expect(+moment).toBeGreaterThan(+finished(1));
  });

  it('begins with the last backup that was finished before it', async () => {
    expect((await find({ to: finished(1) })).backup.manifest.id).toBe(ids()[1]);
    // While the second one was made it was not known yet what is in it.
    const to = new Date(+finished(1) - 1);
    const { backup, moment, journal } = await find({ to });
    expect([backup.manifest.id, moment]).toEqual([ids()[0], to]);
    expect(journal?.segments.length).toBeGreaterThan(0);
  });

  it('before the oldest backup is refused, and so is one of which nothing was shipped', async () => {
    await expect(find({ to: before })).rejects.toThrow(
      `There is no backup from before ${before.toISOString()}: the oldest was made until ${backups[0]?.finishedAt}.`,
    );
    const { journal } = await find();
    await expect(find({ to: later() })).rejects.toThrow(
      `The journal reaches to ${journal?.through.toISOString()}: nothing is known of later.`,
    );
  });
});

describe('a backup that is named', () => {
  it('is meant as it was, and with a moment from it on', async () => {
    const [first] = ids();
    const alone = await find({ backup: first });
    expect([alone.moment.toISOString(), alone.journal]).toEqual([backups[0]?.moment, undefined]);
    const { backup, moment, journal } = await find({ backup: first, to: finished(1) });
    expect([backup.manifest.id, moment]).toEqual([first, finished(1)]);
    expect(journal).toBeDefined();
  });

  it('is refused where it is none, or not from before the moment', async () => {
    const [first, second] = ids();
    const none = newBackupId(new Date());
    await expect(find({ backup: none })).rejects.toThrow(`There is no backup ${none} of`);
    await expect(find({ backup: second, to: finished(0) })).rejects.toThrow(
      `Backup ${second} is not from before ${finished(0).toISOString()}: it was made until`,
    );
    await expect(find({ backup: first, database: 'other' })).rejects.toThrow(`There is no backup ${first} of other in`);
  });

  it('and holds no one moment is refused, and passed over where another one does', async () => {
    const { id, moment: _moment, ...others } = backups[1] as Manifest;
    const fuzzy = `${id.slice(0, -8)}ffffffff`;
    async function* text() {
      yield Buffer.from(writeManifest({ id: fuzzy, ...others, consistent: false }, undefined));
    }
    await trial.storage().write(`${fuzzy}/manifest.json`, text());
    try {
      await expect(find({ backup: fuzzy })).rejects.toThrow(`Backup ${fuzzy} is of no moment`);
      expect((await find()).backup.manifest.id).toBe(id);
    } finally {
      await trial.storage().removeDirectory(fuzzy);
    }
  });
});

it('another database is refused by its name', async () => {
  await expect(find({ database: 'other' })).rejects.toThrow(
    /^There is no backup of other in .* that could be restored/,
  );
});

it('a backup from before the journal was shipped is restored as it was alone', async () => {
  const db = trial.source();
  const { signal } = new AbortController();
  const { manifest } = await writeBackup(
    `${newBackupId(new Date()).slice(0, -8)}ffffffff`,
    { client: db.client, db },
    { storage: trial.storage(), key: trial.keys.writing, signal },
  );
  expect((await openBackup(trial.storage(), manifest.id, trial.keys)).manifest.timeline).toBeUndefined();
  const alone = await find();
  expect([alone.backup.manifest.id, alone.moment.toISOString()]).toEqual([manifest.id, manifest.moment]);
  await expect(find({ to: later() })).rejects.toThrow(`The journal was not shipped after ${manifest.moment}`);
  await trial.storage().removeDirectory(manifest.id);
});
