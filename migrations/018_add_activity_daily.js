// Why: admins see how many accounts come, go and are active. A job counts it by day from the audit trail, which it reads
// by kind and time.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';

const count = { bsonType: 'number' };

const activityDaily = {
  bsonType: 'object',
  required: [
    '_id',
    'signUps',
    'signIns',
    'deletions',
    'activeDay',
    'activeWeek',
    'activeMonth',
    'countedUntil',
    'expiresAt',
  ],
  properties: {
    _id: { bsonType: 'string', maxLength: 10 },
    signUps: count,
    signIns: count,
    deletions: count,
    activeDay: count,
    activeWeek: count,
    activeMonth: count,
    countedUntil: { bsonType: 'date' },
    accounts: { bsonType: 'binData' },
    expiresAt: { bsonType: 'date' },
  },
};

const indexes = [{ key: { expiresAt: 1 }, name: 'idx_activity_daily_expires_at', expireAfterSeconds: 0 }];

export async function up(db) {
  await putCollection(db, 'activity_daily', activityDaily);
  await putIndexes(db, 'activity_daily', indexes);
}

export async function down(db) {
  await dropIndexes(db, 'activity_daily', indexes);
  await retireCollection(db, 'activity_daily');
}
