// Why: the database itself refuses clear text where a ciphertext belongs, whoever writes it.

import { changeValidator, withProperties } from './lib/validators.js';

const ciphertext = { bsonType: 'string', pattern: '^v1\\.[A-Za-z0-9_-]{1,32}\\.[A-Za-z0-9_-]{38,}$' };
const text = { bsonType: 'string' };
const short = { maxLength: 256 };

/** Sealed before, with nothing that saw to it. */
const SEALED = [
  ['audit_events', 'personal'],
  ['credentials', 'secret'],
  ['credentials', 'codeHash'],
  ['erasures', 'key', short],
  ['idempotency_keys', 'body'],
  ['identities', 'tokens'],
  ['one_time_tokens', 'payload'],
  ['outbox', 'message'],
  ['signing_keys', 'privateJwk'],
  ['webhook_deliveries', 'refusal'],
  ['webhook_events', 'payload'],
  ['webhooks', 'secret'],
  ['webhooks', 'previousSecret'],
];

export async function up(db) {
  for (const [name, path, limits] of SEALED)
    await changeValidator(db, name, withProperties({ [path]: { ...ciphertext, ...limits } }));
}

export async function down(db) {
  for (const [name, path, limits] of SEALED)
    await changeValidator(db, name, withProperties({ [path]: { ...text, ...limits } }));
}
