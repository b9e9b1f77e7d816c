// Why: a password alone is not enough for everyone: authenticator apps, recovery codes and passkeys. The account says
// which second factors it has, so that a sign-in knows without another query, and a session says how it was proven.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withProperties } from './lib/validators.js';

const credentials = {
  bsonType: 'object',
  required: ['_id', 'userId', 'type', 'createdAt'],
  properties: {
    _id: { bsonType: 'objectId' },
    userId: { bsonType: 'objectId' },
    type: { bsonType: 'string', enum: ['totp', 'recovery-code', 'passkey'] },
    secret: { bsonType: 'string' },
    confirmedAt: { bsonType: 'date' },
    lastStep: { bsonType: 'number' },
    codeHash: { bsonType: 'string' },
    credentialId: { bsonType: 'string', maxLength: 1366 },
    publicKey: { bsonType: 'string', maxLength: 2048 },
    counter: { bsonType: 'number' },
    transports: {
      bsonType: 'array',
      items: { bsonType: 'string', enum: ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] },
    },
    backedUp: { bsonType: 'bool' },
    name: { bsonType: 'string', maxLength: 100 },
    createdAt: { bsonType: 'date' },
    lastUsedAt: { bsonType: 'date' },
  },
};

const credentialIndexes = [
  { key: { userId: 1, type: 1, _id: 1 }, name: 'idx_credentials_user_id_type' },
  {
    key: { credentialId: 1 },
    name: 'idx_credentials_credential_id',
    unique: true,
    partialFilterExpression: { credentialId: { $exists: true } },
  },
  {
    key: { userId: 1 },
    name: 'idx_credentials_user_id',
    unique: true,
    partialFilterExpression: { type: 'totp' },
  },
];

const methods = (...known) => ({ bsonType: 'array', items: { bsonType: 'string', enum: known } });

export async function up(db) {
  await putCollection(db, 'credentials', credentials);
  await putIndexes(db, 'credentials', credentialIndexes);
  const secondFactors = { bsonType: 'array', items: { bsonType: 'string', enum: ['totp', 'passkey'] } };
  await changeValidator(db, 'users', withProperties({ secondFactors }));
  const authenticationMethods = methods('pwd', 'otp', 'pop', 'mfa', 'fed');
  await changeValidator(db, 'sessions', withProperties({ authenticationMethods }));
}

/** Sessions that were proven in ways which the older rule does not know cannot go on: they end, as a sign-out ends them. */
export async function down(db) {
  await db.collection('sessions').deleteMany({ authenticationMethods: { $ne: ['pwd'] } });
  await changeValidator(db, 'sessions', withProperties({ authenticationMethods: methods('pwd') }));
  await changeValidator(db, 'users', withProperties({ secondFactors: undefined }));
  await dropIndexes(db, 'credentials', credentialIndexes);
  await retireCollection(db, 'credentials');
}
