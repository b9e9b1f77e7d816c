// Why: collections that a team adds refer to accounts. An account counts what comes to refer to it, so that this and its
// deletion conflict, and is marked until what belongs to it has followed its deletion; and the audit trail tells of the documents of those collections.

import { dropIndexes, putIndexes } from './lib/shape.js';
import { changeValidator, withoutValues, withProperties, withValues } from './lib/validators.js';

const actions = [
  'document.created',
  'document.updated',
  'document.deleted',
  'document.restored',
  'document.purged',
  'document.read',
  'documents.listed',
];

const added = { childrenRevision: { bsonType: 'number' }, settling: { bsonType: 'bool' } };
const indexes = [
  {
    key: { settling: 1, _id: 1 },
    name: 'idx_users_settling',
    partialFilterExpression: { settling: { $exists: true } },
  },
];

export async function up(db) {
  await changeValidator(db, 'users', withProperties(added));
  await putIndexes(db, 'users', indexes);
  await changeValidator(db, 'audit_events', withValues('action', actions));
}

/** Events stay whatever they tell of: the older rule holds for those that are written from now on. */
export async function down(db) {
  await changeValidator(db, 'audit_events', withoutValues('action', actions));
  await dropIndexes(db, 'users', indexes);
  await changeValidator(db, 'users', withProperties({ childrenRevision: undefined, settling: undefined }));
}
