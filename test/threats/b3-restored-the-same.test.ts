// B3: the restored database that was almost the same. Elsewhere the documents were back, and what kept them in order was
// not: without its unique index an email had two accounts, without its TTL index nothing ever went, without validators
// anything could be written; numbers had become others, and the migrations ran a second time or not at all. Here what is
// restored is compared with what was backed up: counts, hashes of the content, indexes, validators, migration level.

import { Binary, type Db, Decimal128, Double, Int32, Long } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/backup/manifest.ts';
import { savedCollections } from '../../src/backup/write.ts';
import { collections } from '../../src/collections/index.ts';
import { appliedMigrations } from '../../src/migrations.ts';
import { User } from '../../src/models/user.ts';
import { summaryOf } from '../../src/restore/load.ts';
import type { RestoreReport } from '../../src/restore/restore.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { expectedShape, readShape } from '../../src/schema-check/shape.ts';
import { UNCHECKED } from '../helpers/ciphertexts.ts';
import { enrolTotp } from '../helpers/factors.ts';
import { person } from '../helpers/people.ts';
import { restores, stateOf } from '../helpers/restores.ts';

const trial = restores();

/** As other programs write them: each of a type that JavaScript has another one for, or none. */
const VALUES = {
  double: new Double(1),
  int: new Int32(1),
  long: Long.fromString('9007199254740993'),
  decimal: Decimal128.fromString('1.10'),
  date: new Date(1_769_860_800_123),
  binary: new Binary(Buffer.from([0, 255])),
  ordered: new Map([
    ['b', 1],
    ['2', 2],
    ['1', 3],
  ]),
};

/** Changed by what comes after the documents: sessions end, mail is marked, the trail tells of it. */
const CHANGED = ['sessions', 'one_time_tokens', 'outbox', 'webhook_events', 'webhook_deliveries', 'audit_events'];

let source: Db;
let db: Db;
let manifest: Manifest;
let report: RestoreReport;

beforeAll(async () => {
  const ada = await person(trial.service);
  await enrolTotp(ada);
  await person(trial.service);
  source = trial.source();
  await source.collection('users').updateOne({ email: ada.email }, { $set: { metadata: VALUES } }, UNCHECKED);
  await trial.ship();
  ({ manifest } = await trial.backUp());
  ({ report, db } = await trial.restored());
});

const kept = () => savedCollections().filter((name) => !CHANGED.includes(name));

it('has as many documents, of the same content', async () => {
  for (const name of kept()) {
    const { documents, digest } = await summaryOf(db, name);
    const expected = manifest.collections.find((each) => each.name === name);
    expect([name, documents, digest]).toEqual([name, expected?.documents, expected?.digest]);
    expect([name, report.collections[name]?.digest]).toEqual([name, digest]);
  }
  expect(report.collections['users']?.documents).toBe(2);
  expect(await stateOf(db)).toEqual(await stateOf(source));
});

it('reports each collection as it is at the end', async () => {
  for (const name of CHANGED) {
    const { documents, digest } = await summaryOf(db, name);
    expect(report.collections[name]).toMatchObject({ documents, digest });
  }
});

it('has all collections, the same indexes and the same validators', async () => {
  const shapeOf = async (of: Db) =>
    Promise.all(
      collections.map(async ({ name }) => {
        const [info] = await of.listCollections({ name }).toArray();
        const indexes = await of.collection(name).indexes();
        const options = (info as { options?: object } | undefined)?.options;
        return { name, options, indexes: indexes.sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1)) };
      }),
    );
  expect(await shapeOf(db)).toEqual(await shapeOf(source));
  expect(differences(expectedShape(), await readShape(db))).toEqual([]);
});

describe('what keeps data in order works', () => {
  it('a unique index refuses a second account of an email', async () => {
    const { _id, ...account } = (await db.collection('users').findOne()) ?? {};
    await expect(db.collection('users').insertOne(account)).rejects.toThrow(/E11000|duplicate/i);
  });

  it('a TTL index says when sessions go', async () => {
    const ttl = (await db.collection('sessions').indexes()).filter((index) => 'expireAfterSeconds' in index);
    expect(ttl.length).toBeGreaterThan(0);
  });

  it('a validator refuses what is none', async () => {
    await expect(db.collection('users').insertOne({ email: 1 })).rejects.toThrow(/validation/i);
  });
});

it('has the same migration level, with nothing left to migrate', async () => {
  expect(await appliedMigrations(db)).toEqual(await appliedMigrations(source));
  expect(report.migrated).toEqual([]);
  expect(await db.collection('changelog').find().toArray()).toEqual(
    await source.collection('changelog').find().toArray(),
  );
});

it('is nothing of its place: no lease, no run and no line of the journal came along', async () => {
  for (const name of ['jobs', 'backups', 'journal_shipping', 'idempotency_keys', 'rate_limits'])
    expect([name, await db.collection(name).countDocuments()]).toEqual([name, 0]);
  expect(await db.collection('changelog_lock').countDocuments()).toBe(0);
  // The trail tells of the restore, and so does the journal of the new database.
  expect(await db.collection('journal').distinct('collection')).toEqual(['audit_events']);
});

it('the source is as it was', async () => {
  expect(await User.countDocuments()).toBe(2);
});
