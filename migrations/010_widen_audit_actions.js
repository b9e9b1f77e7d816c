// Why: the audit trail tells of mailboxes, factors and identities too, and its vocabulary is a rule of the database.

import { changeValidator, withProperties } from './lib/validators.js';

const before = [
  'user.created',
  'user.imported',
  'user.updated',
  'user.roles-changed',
  'user.deleted',
  'user.suspended',
  'user.reactivated',
  'user.restored',
  'user.password-changed',
  'user.password-renewed',
  'session.created',
  'session.refreshed',
  'session.reused',
  'session.ended',
];

const after = [
  ...before,
  'session.challenged',
  'session.reauthenticated',
  'user.email-verified',
  'user.email-change-requested',
  'user.email-changed',
  'user.password-reset-requested',
  'user.password-reset',
  'user.reclaimed',
  'user.rejected',
  'factor.added',
  'factor.renamed',
  'factor.removed',
  'factor.used',
  'identity.linked',
  'identity.unlinked',
];

const action = (known) => ({ action: { bsonType: 'string', enum: known } });

export async function up(db) {
  await changeValidator(db, 'audit_events', withProperties(action(after)));
}

/** Events stay whatever they tell of: the older rule holds for those that are written from now on. */
export async function down(db) {
  await changeValidator(db, 'audit_events', withProperties(action(before)));
}
