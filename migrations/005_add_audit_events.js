// Why: each change leaves a record of who did what, and no set of changes takes the last admin away: the guard is the
// one document that every transaction which could do so writes, so that two of them conflict.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const auditEvents = {
  bsonType: 'object',
  required: ['_id', 'action', 'outcome', 'actor', 'target', 'at'],
  properties: {
    _id: { bsonType: 'objectId' },
    action: {
      bsonType: 'string',
      enum: [
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
      ],
    },
    outcome: { bsonType: 'string', enum: ['success', 'failure', 'denied'] },
    reason: { bsonType: 'string', maxLength: 500 },
    actor: {
      bsonType: 'object',
      required: ['type'],
      properties: {
        type: { bsonType: 'string', enum: ['anonymous', 'user', 'operator', 'system'] },
        id: { bsonType: 'objectId' },
      },
    },
    target: {
      bsonType: 'object',
      required: ['collection'],
      properties: { collection: { bsonType: 'string', maxLength: 64 }, id: { bsonType: 'objectId' } },
    },
    changes: { bsonType: 'array', items: { bsonType: 'string', maxLength: 100 } },
    at: { bsonType: 'date' },
    ip: { bsonType: 'string', maxLength: 45 },
    userAgent: { bsonType: 'string', maxLength: 512 },
    requestId: { bsonType: 'string', maxLength: 64 },
  },
};

const auditIndexes = [
  { key: { 'target.id': 1, _id: 1 }, name: 'idx_audit_events_target_id' },
  { key: { 'actor.id': 1, _id: 1 }, name: 'idx_audit_events_actor_id' },
];

const guards = {
  bsonType: 'object',
  required: ['_id', 'revision'],
  properties: { _id: { bsonType: 'string', enum: ['admins'] }, revision: { bsonType: 'number' } },
};

export async function up(db) {
  await putCollection(db, 'audit_events', auditEvents);
  await putIndexes(db, 'audit_events', auditIndexes);
  await putCollection(db, 'guards', guards);
  // There before anyone needs it: two first writers would else meet in an insert, not in a write conflict.
  await db.collection('guards').updateOne({ _id: 'admins' }, { $setOnInsert: { revision: 0 } }, { upsert: true });
}

export async function down(db) {
  await db.collection('guards').deleteOne({ _id: 'admins' });
  await retireCollection(db, 'guards');
  await dropIndexes(db, 'audit_events', auditIndexes);
  await retireCollection(db, 'audit_events');
}
