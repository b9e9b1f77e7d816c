// Why: what an account is beside its sign-in: roles, metadata, the course of its life (deleted, restorable, purged) and
// the keys that names are searched by. Accounts that are there already become ordinary users, searchable at once.

import { putCollection } from './lib/shape.js';

const BATCH = 1000;

const statuses = ['active', 'inactive', 'suspended', 'deleted'];

const before = {
  bsonType: 'object',
  required: ['_id', 'email', 'emailVerified', 'status', 'createdAt', 'updatedAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    email: { bsonType: 'string', maxLength: 255 },
    passwordHash: { bsonType: 'string', maxLength: 255 },
    firstName: { bsonType: 'string', maxLength: 100 },
    lastName: { bsonType: 'string', maxLength: 100 },
    avatarUrl: { bsonType: 'string', maxLength: 2048 },
    emailVerified: { bsonType: 'bool' },
    status: { bsonType: 'string', enum: statuses },
    createdAt: { bsonType: 'date' },
    updatedAt: { bsonType: 'date' },
  },
};

const after = {
  ...before,
  required: ['_id', 'email', 'emailVerified', 'status', 'roles', 'createdAt', 'updatedAt', 'revision'],
  properties: {
    ...before.properties,
    roles: { bsonType: 'array', items: { bsonType: 'string', enum: ['user', 'support', 'admin'] } },
    metadata: { bsonType: 'object' },
    deletedAt: { bsonType: 'date' },
    purgeAt: { bsonType: 'date' },
    previousStatus: { bsonType: 'string', enum: statuses },
    statusReason: { bsonType: 'string', maxLength: 500 },
    legalHold: { bsonType: 'bool' },
    lastSignInAt: { bsonType: 'date' },
    passwordChangedAt: { bsonType: 'date' },
    firstNameKey: { bsonType: 'string', maxLength: 200 },
    lastNameKey: { bsonType: 'string', maxLength: 200 },
    revision: { bsonType: 'number' },
  },
};

/** In JavaScript: the database's own `$toLower` knows the English alphabet only. */
const searchKey = (name) => name.normalize('NFC').toLowerCase();

async function addSearchKeys(users, field) {
  const key = `${field}Key`;
  const named = users.find({ [field]: { $exists: true }, [key]: { $exists: false } }, { projection: { [field]: 1 } });
  let batch = [];
  const flush = async () => {
    if (batch.length > 0) await users.bulkWrite(batch, { ordered: false });
    batch = [];
  };
  for await (const user of named) {
    // The name is part of the filter: whoever renames themselves meanwhile has written a newer key.
    const filter = { _id: user._id, [field]: user[field] };
    batch.push({ updateOne: { filter, update: { $set: { [key]: searchKey(user[field]) } } } });
    if (batch.length === BATCH) await flush();
  }
  await flush();
}

export async function up(db) {
  const users = db.collection('users');
  await users.updateMany({ roles: { $exists: false } }, { $set: { roles: ['user'] } });
  await users.updateMany({ revision: { $exists: false } }, { $set: { revision: 1 } });
  await addSearchKeys(users, 'firstName');
  await addSearchKeys(users, 'lastName');
  await putCollection(db, 'users', after);
}

/** The values stay: the older validator takes no offence at them, and a role once lost could not be made up again. */
export async function down(db) {
  await putCollection(db, 'users', before);
}
