import { ObjectId } from 'mongodb';
import { Types } from 'mongoose';
import { expect, it } from 'vitest';
import { readingOf } from '../../src/backup/reading.ts';
import { transaction } from '../../src/database.ts';
import { countUnshipped, dropUnshipped, forgetAccount, forgetEmail, Journal } from '../../src/models/journal.ts';
import { forgetImages } from '../../src/models/journaling.ts';
import { Team } from '../../src/models/team.ts';
import { STATISTICS_WITHIN_MS, sentBy, wrongIn } from '../helpers/query-plans.ts';
import { restores } from '../helpers/restores.ts';

const trial = restores();

it('what is asked of the journal has an index', async () => {
  const entry = (n: number, more: object) => ({
    transactionId: new ObjectId(),
    at: new Date(Date.now() - n * 60_000),
    collection: 'notes',
    documentId: `note ${n}`,
    revision: 1,
    ...more,
  });
  const shipped = { expiresAt: new Date(Date.now() + 60_000) };
  const entries = [...Array.from({ length: 600 }, (_, n) => entry(n, shipped)), entry(0, { unshipped: true })];
  await Journal.collection.insertMany(entries as never);
  const sent = await sentBy(async () => {
    await trial.ship();
    await countUnshipped();
    await dropUnshipped();
    await transaction((tx) => forgetImages(tx, Team.collection, [new ObjectId()]));
    await transaction((tx) => forgetAccount(tx, new Types.ObjectId()));
    await transaction((tx) => forgetEmail(tx, 'invitations', 'nobody@example.com'));
    for await (const _entry of readingOf(trial.source()).journal(new Date(Date.now() + 60_000)));
  });
  const asked = sent.filter(({ collection }) => collection === 'journal');
  expect(asked.map(({ name }) => name)).toEqual(['find', 'update', 'aggregate', ...Array(4).fill('delete')]);
  expect(await wrongIn(sent, STATISTICS_WITHIN_MS)).toEqual([]);
});
