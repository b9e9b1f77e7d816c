// Why: names of accounts may be kept encrypted (ENCRYPT_NAMES). The database takes their ciphertexts, and nothing else in
// their place. It changes no account: a migration has no keyring. Where names are to be encrypted, "bin/roster keys rotate"
// does it.

import { changeValidator, withProperties } from './lib/validators.js';

const ciphertext = { bsonType: 'string', pattern: '^v1\\.[A-Za-z0-9_-]{1,32}\\.[A-Za-z0-9_-]{38,}$' };

export async function up(db) {
  await changeValidator(db, 'users', withProperties({ sealedFirstName: ciphertext, sealedLastName: ciphertext }));
}

/** The older build knows no encrypted names: people would seem to have none, and the next change of one would be lost. */
export async function down(db) {
  const sealed = { $or: [{ sealedFirstName: { $exists: true } }, { sealedLastName: { $exists: true } }] };
  if (await db.collection('users').findOne(sealed, { projection: { _id: 1 } }))
    throw new Error('Names are encrypted: run "bin/roster keys rotate --open-names" first.');
  await changeValidator(db, 'users', withProperties({ sealedFirstName: undefined, sealedLastName: undefined }));
}
