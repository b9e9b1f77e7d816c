// Why: an audit event that somebody edits, deletes or inserts is found. A job seals events in batches that are chained by
// their hashes; addresses, agents and notes are encrypted from here on. Events that are there already wait for their
// seal as new ones do, and the job encrypts what they hold in clear.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator } from './lib/validators.js';

const ACTIONS = [
  'access.denied',
  'user.read',
  'users.listed',
  'users.exported',
  'sessions.listed',
  'audit.read',
  'audit.verified',
  'audit.exported',
];

const eventIndexes = [
  { key: { action: 1, _id: 1 }, name: 'idx_audit_events_action' },
  { key: { outcome: 1, _id: 1 }, name: 'idx_audit_events_outcome' },
  { key: { sealId: 1, _id: 1 }, name: 'idx_audit_events_seal_id' },
];

const hash = { bsonType: 'string', maxLength: 43 };

const seals = {
  bsonType: 'object',
  required: [
    '_id',
    'previousHash',
    'root',
    'count',
    'sealedAt',
    'firstAt',
    'lastAt',
    'keepUntil',
    'hash',
    'keyId',
    'mac',
  ],
  properties: {
    _id: { bsonType: 'number' },
    previousHash: hash,
    eventIds: { bsonType: 'array', items: { bsonType: 'objectId' } },
    eventHashes: { bsonType: 'array', items: hash },
    root: hash,
    count: { bsonType: 'number' },
    sealedAt: { bsonType: 'date' },
    firstAt: { bsonType: 'date' },
    lastAt: { bsonType: 'date' },
    keepUntil: { bsonType: 'date' },
    hash,
    keyId: { bsonType: 'string', maxLength: 32 },
    mac: hash,
    expiredAt: { bsonType: 'date' },
  },
};

const sealIndexes = [
  {
    key: { keepUntil: 1 },
    name: 'idx_audit_seals_keep_until',
    partialFilterExpression: { eventHashes: { $exists: true } },
  },
];

export async function up(db) {
  await putCollection(db, 'audit_seals', seals);
  await putIndexes(db, 'audit_seals', sealIndexes);
  await putIndexes(db, 'audit_events', eventIndexes);
  await changeValidator(db, 'audit_events', (schema) => {
    const { ip: _, userAgent: __, ...properties } = schema.properties;
    const { action, target } = properties;
    action.enum = [...new Set([...action.enum, ...ACTIONS])];
    target.properties.name.maxLength = 128;
    const added = { count: { bsonType: 'number' }, personal: { bsonType: 'string' }, commitment: hash };
    return { ...schema, properties: { ...properties, ...added, sealId: { bsonType: 'number' } } };
  });
}

/** Seals and sealed events stay as they are: what was encrypted cannot be read by the older build, and breaks nothing. */
export async function down(db) {
  await changeValidator(db, 'audit_events', (schema) => {
    const { count: _, personal: __, commitment: ___, sealId: ____, ...properties } = schema.properties;
    const { action, target } = properties;
    action.enum = action.enum.filter((each) => !ACTIONS.includes(each));
    target.properties.name.maxLength = 64;
    const clear = { ip: { bsonType: 'string', maxLength: 45 }, userAgent: { bsonType: 'string', maxLength: 512 } };
    return { ...schema, properties: { ...properties, ...clear } };
  });
  await dropIndexes(db, 'audit_events', eventIndexes);
  await dropIndexes(db, 'audit_seals', sealIndexes);
  await retireCollection(db, 'audit_seals');
}
