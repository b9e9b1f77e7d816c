// Why: the database itself refuses clear text where a ciphertext belongs, whoever writes it. Address and agent of
// sessions are such fields from here on. Those that are there in clear go: a migration has no keyring, and people need
// them for no more than to tell their sessions apart. Instances of the earlier version go on writing them until they are
// replaced; the next refresh of such a session drops them.

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

const clear = { ip: { ...text, maxLength: 45 }, userAgent: { ...text, maxLength: 512 } };
const nothing = { ip: undefined, userAgent: undefined };

export async function up(db) {
  for (const [name, path, limits] of SEALED)
    await changeValidator(db, name, withProperties({ [path]: { ...ciphertext, ...limits } }));
  await changeValidator(db, 'sessions', withProperties({ ...nothing, client: ciphertext }));
  const told = { $or: [{ ip: { $exists: true } }, { userAgent: { $exists: true } }] };
  await db.collection('sessions').updateMany(told, { $unset: { ip: 1, userAgent: 1 } });
}

/** Sessions live on without telling where they were opened: the older build passes over what is sealed. */
export async function down(db) {
  await changeValidator(db, 'sessions', withProperties({ ...clear, client: undefined }));
  for (const [name, path, limits] of SEALED)
    await changeValidator(db, name, withProperties({ [path]: { ...text, ...limits } }));
}
