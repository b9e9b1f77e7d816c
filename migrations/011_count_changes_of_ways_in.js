// Why: an account keeps a way to sign in and no more passkeys than it may have, both rules over several documents. Every
// change of its credentials and identities counts up on the account, so that two of them conflict instead of each
// seeing only what was there before the other.

import { changeValidator, withProperties } from './lib/validators.js';

export async function up(db) {
  await changeValidator(db, 'users', withProperties({ waysInRevision: { bsonType: 'number' } }));
}

/** The count stays in the documents, where nothing reads it. */
export async function down(db) {
  await changeValidator(db, 'users', withProperties({ waysInRevision: undefined }));
}
