// Why: counters are kept in the shape of the library that counts them: a key, its points and when they expire. Those
// that stand stay until they expire, but count for nothing any more: whoever had tries left gets all of them.

import { dropIndexes, putCollection, putIndexes } from './lib/shape.js';

const before = {
  bsonType: 'object',
  required: ['_id', 'count', 'expiresAt'],
  properties: {
    _id: { bsonType: 'string', maxLength: 128 },
    count: { bsonType: 'number' },
    expiresAt: { bsonType: 'date' },
  },
};

const beforeIndexes = [{ key: { expiresAt: 1 }, name: 'idx_rate_limits_expires_at', expireAfterSeconds: 0 }];

const after = {
  bsonType: 'object',
  required: ['_id', 'key', 'points', 'expire'],
  properties: {
    _id: {},
    key: { bsonType: 'string', maxLength: 128 },
    points: { bsonType: 'number' },
    expire: { bsonType: 'date' },
  },
};

const afterIndexes = [
  { key: { key: 1 }, name: 'idx_rate_limits_key', unique: true },
  { key: { expire: 1 }, name: 'idx_rate_limits_expire', expireAfterSeconds: 0 },
];

/** Rewrites every document of the other shape; without a validator, as each suits only one of the two. */
async function change(db, other, rewrite) {
  await dropIndexes(db, 'rate_limits', other);
  await db.command({ collMod: 'rate_limits', validator: {}, validationLevel: 'off' });
  await db
    .collection('rate_limits')
    .updateMany({ [Object.keys(rewrite)[0]]: { $exists: false } }, [
      { $set: rewrite },
      { $unset: Object.values(rewrite).flatMap((from) => (from === '$_id' ? [] : [from.slice(1)])) },
    ]);
}

export async function up(db) {
  await change(db, beforeIndexes, { key: '$_id', points: '$count', expire: '$expiresAt' });
  await putCollection(db, 'rate_limits', after);
  await putIndexes(db, 'rate_limits', afterIndexes);
}

export async function down(db) {
  await change(db, afterIndexes, { count: '$points', expiresAt: '$expire' });
  await db.collection('rate_limits').updateMany({ key: { $exists: true } }, { $unset: { key: 1 } });
  await putCollection(db, 'rate_limits', before);
  await putIndexes(db, 'rate_limits', beforeIndexes);
}
