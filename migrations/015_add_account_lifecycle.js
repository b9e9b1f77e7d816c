// Why: accounts end: deactivated by their owners, dormant, held by law, purged after their time, erased at once. What the
// schedule looks for has indexes; who is gone for good stands in a ledger, for the restore of a backup from before.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withoutValues, withProperties, withValues } from './lib/validators.js';

const ACTIONS = [
  'user.deactivated',
  'user.dormancy-warned',
  'user.held',
  'user.released',
  'user.exported',
  'user.erased',
  'user.purged',
];

const TEMPLATES = [
  'account-suspended',
  'account-reactivated',
  'account-deactivated',
  'account-deleted',
  'account-restored',
  'account-dormant-soon',
  'account-dormant',
];

const userIndexes = [
  { key: { purgeAt: 1 }, name: 'idx_users_purge_at', partialFilterExpression: { purgeAt: { $exists: true } } },
  { key: { status: 1, lastSignInAt: 1, createdAt: 1 }, name: 'idx_users_status_last_sign_in_at_created_at' },
];

const erasures = {
  bsonType: 'object',
  required: ['_id', 'erasedAt'],
  properties: {
    _id: { bsonType: 'string', maxLength: 43 },
    erasedAt: { bsonType: 'date' },
    key: { bsonType: 'string', maxLength: 256 },
  },
};

export async function up(db) {
  await changeValidator(db, 'users', withProperties({ dormancyWarnedAt: { bsonType: 'date' } }));
  await putIndexes(db, 'users', userIndexes);
  await putCollection(db, 'erasures', erasures);
  await changeValidator(db, 'audit_events', withValues('action', ACTIONS));
  await changeValidator(db, 'outbox', withValues('template', TEMPLATES));
}

/** Warnings that were sent are forgotten, and may be sent again; the ledger of who is gone stays. */
export async function down(db) {
  await changeValidator(db, 'outbox', withoutValues('template', TEMPLATES));
  await changeValidator(db, 'audit_events', withoutValues('action', ACTIONS));
  await retireCollection(db, 'erasures');
  await dropIndexes(db, 'users', userIndexes);
  await db.collection('users').updateMany({ dormancyWarnedAt: { $exists: true } }, { $unset: { dormancyWarnedAt: 1 } });
  await changeValidator(db, 'users', withProperties({ dormancyWarnedAt: undefined }));
}
