// Why: the state of any moment can be restored only where every change leaves its image. Whatever is not temporary is
// journaled from here on, each document with a count of its changes. An entry is kept until it has been shipped beside the
// backups, and a week longer; which line of shipped segments a database is on is told by its timeline; what is restored is told by the audit trail.

import { fillIn } from './lib/documents.js';
import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import {
  changeValidator,
  withoutRequired,
  withoutValues,
  withProperties,
  withRequired,
  withValues,
} from './lib/validators.js';

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

/** What nobody asks for any more, and what only invitations need. */
const before = [
  { key: { at: 1, _id: 1 }, name: 'idx_journal_at' },
  {
    key: { 'image.email': 1, _id: 1 },
    name: 'idx_journal_image_email',
    partialFilterExpression: { 'image.email': { $exists: true } },
  },
];

const ofInvitations = [
  {
    key: { 'image.email': 1, _id: 1 },
    name: 'idx_journal_image_email',
    partialFilterExpression: { collection: 'invitations', 'image.email': { $exists: true } },
  },
];

const shipping = {
  bsonType: 'object',
  required: ['_id', 'timeline', 'location', 'startedAt', 'sequence', 'through'],
  properties: {
    _id: { bsonType: 'string', maxLength: 16 },
    timeline: { bsonType: 'string', maxLength: 32 },
    location: { bsonType: 'string', maxLength: 1024 },
    startedAt: { bsonType: 'date' },
    sequence: { bsonType: 'number' },
    segment: { bsonType: 'string', maxLength: 128 },
    sha256: { bsonType: 'string', maxLength: 64 },
    through: { bsonType: 'date' },
  },
};

/** Of drills, which restore a backup to see that it can be. */
const drills = {
  kind: { bsonType: 'string', enum: ['backup', 'drill'] },
  restored: { bsonType: 'string', maxLength: 64 },
  moment: { bsonType: 'date' },
  entries: { bsonType: 'number' },
};

const actions = ['backup.restored', 'backup.verified', 'user.rewound'];

export async function up(db) {
  for (const name of counted)
    await changeValidator(db, name, withProperties({ journalRevision: { bsonType: 'number' } }));
  await changeValidator(db, 'journal', withProperties({ unshipped: { bsonType: 'bool' } }));
  await changeValidator(db, 'journal', withoutRequired(['expiresAt']));
  await putIndexes(db, 'journal', unshipped);
  await dropIndexes(db, 'journal', before);
  await putIndexes(db, 'journal', ofInvitations);
  await putCollection(db, 'journal_shipping', shipping);
  await changeValidator(db, 'backups', withProperties(drills));
  await fillIn(db, 'backups', 'kind', 'backup');
  await changeValidator(db, 'backups', withRequired(['kind']));
  await changeValidator(db, 'audit_events', withValues('action', actions));
}

/** What was not shipped would stay for ever: the older version knows of no other end than its time. */
export async function down(db) {
  await changeValidator(db, 'audit_events', withoutValues('action', actions));
  await changeValidator(db, 'backups', withoutRequired(['kind']));
  await changeValidator(
    db,
    'backups',
    withProperties(Object.fromEntries(Object.keys(drills).map((path) => [path, undefined]))),
  );
  await retireCollection(db, 'journal_shipping');
  await db
    .collection('journal')
    .updateMany({ expiresAt: { $exists: false } }, [{ $set: { expiresAt: { $add: ['$at', 7 * 86_400_000] } } }]);
  await db.collection('journal').updateMany({ unshipped: { $exists: true } }, { $unset: { unshipped: 1 } });
  await dropIndexes(db, 'journal', [...unshipped, ...ofInvitations]);
  await putIndexes(db, 'journal', before);
  await changeValidator(db, 'journal', withRequired(['expiresAt']));
  await changeValidator(db, 'journal', withProperties({ unshipped: undefined }));
  for (const name of counted) await changeValidator(db, name, withProperties({ journalRevision: undefined }));
}
