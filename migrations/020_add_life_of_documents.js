// Why: collections that a team adds refer to accounts. An account counts what comes to refer to it, so that this and its
// deletion conflict; and the audit trail tells of the documents of those collections.

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

export async function up(db) {
  await changeValidator(db, 'users', withProperties({ childrenRevision: { bsonType: 'number' } }));
  await changeValidator(db, 'audit_events', withValues('action', actions));
}

/** Events stay whatever they tell of: the older rule holds for those that are written from now on. */
export async function down(db) {
  await changeValidator(db, 'audit_events', withoutValues('action', actions));
  await changeValidator(db, 'users', withProperties({ childrenRevision: undefined }));
}
