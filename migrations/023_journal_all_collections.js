// Why: the state of any moment can be restored only where every change leaves its image. Whatever is not temporary is
// journaled from here on, each document with a count of its changes. An entry is kept until it has been shipped beside the
// backups, and a week longer; which line of shipped segments a database is on is told by its timeline.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withoutRequired, withProperties, withRequired } from './lib/validators.js';

const counted = [
  'users',
  'credentials',
  'identities',
  'api_keys',
  'signing_keys',
  'webhooks',
  'audit_events',
  'audit_seals',
  'erasures',
];

const unshipped = [
  {
    key: { unshipped: 1, at: 1, _id: 1 },
    name: 'idx_journal_unshipped_at',
    partialFilterExpression: { unshipped: { $exists: true } },
  },
];

const timelines = {
  bsonType: 'object',
  required: ['_id', 'location', 'startedAt', 'sequence', 'through'],
  properties: {
    _id: { bsonType: 'string', maxLength: 32 },
    location: { bsonType: 'string', maxLength: 1024 },
    startedAt: { bsonType: 'date' },
    sequence: { bsonType: 'number' },
    segment: { bsonType: 'string', maxLength: 128 },
    hash: { bsonType: 'string', maxLength: 64 },
    through: { bsonType: 'date' },
  },
};

const timelineIndexes = [{ key: { location: 1 }, name: 'idx_journal_timelines_location', unique: true }];

export async function up(db) {
  for (const name of counted)
    await changeValidator(db, name, withProperties({ journalRevision: { bsonType: 'number' } }));
  await changeValidator(db, 'journal', withProperties({ unshipped: { bsonType: 'bool' } }));
  await changeValidator(db, 'journal', withoutRequired(['expiresAt']));
  await putIndexes(db, 'journal', unshipped);
  await putCollection(db, 'journal_timelines', timelines);
  await putIndexes(db, 'journal_timelines', timelineIndexes);
}

/** What was not shipped would stay for ever: the older version knows of no other end than its time. */
export async function down(db) {
  await dropIndexes(db, 'journal_timelines', timelineIndexes);
  await retireCollection(db, 'journal_timelines');
  await db
    .collection('journal')
    .updateMany({ expiresAt: { $exists: false } }, [{ $set: { expiresAt: { $add: ['$at', 7 * 86_400_000] } } }]);
  await db.collection('journal').updateMany({ unshipped: { $exists: true } }, { $unset: { unshipped: 1 } });
  await dropIndexes(db, 'journal', unshipped);
  await changeValidator(db, 'journal', withRequired(['expiresAt']));
  await changeValidator(db, 'journal', withProperties({ unshipped: undefined }));
  for (const name of counted) await changeValidator(db, name, withProperties({ journalRevision: undefined }));
}
