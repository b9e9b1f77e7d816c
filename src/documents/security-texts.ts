/** What the document of sensitive fields says that no single model knows. */

export const KEYRING = [
  '`KEYRING` is never in the database, nor in its backups. Its keys encrypt (AES-256-GCM), and derive what must not be made from a dump alone: refresh tokens, device tokens, seals of the audit trail, names of counters. Each use has a subkey of its own (HKDF-SHA256).',
  '',
  'A ciphertext names its key, and is bound to its collection, document and field: altered, moved, or read with another key, it does not open. What needs it fails; where it is only shown, as in lists of sessions and in the audit trail, the rest is shown without it. [Keys rotate](operations.md#rotate-keys) while the service runs; a rotation that was killed is run again.',
].join('\n');

export const SEALED =
  'One module seals and opens these fields (`src/models/sensitive.ts`). The database itself refuses clear text in them: the validator of each collection has the pattern of a ciphertext, whatever writes. `bin/roster keys rotate` goes over all of them, and over the copies in the journal.';

export const NAMES = [
  'With `ENCRYPT_NAMES=true` first and last names are encrypted too: in the accounts, the journal and the backups. Whoever was shown a name is shown it as before. What changes is the search of admins: a ciphertext begins with nothing, so names are found by the whole name alone, in any case, by a keyed hash beside it (HMAC-SHA256). What a dump still tells: which accounts have the same name, so that who knows the name of one knows that of all of them, and about how long each name is. Emails stay in clear, and are found by their beginning.',
  '',
  'Set it on all instances, restart them, and run `bin/roster keys rotate`, which encrypts the names that are there while the service runs. Names in backups and in the journal of before stay as they were until those are gone; run it again after a restore of one. See [operations](operations.md#encrypt-names).',
].join('\n');

export const OTHERWISE =
  'What only has to be recognised is kept as a hash: slow and salted where people choose it, fast where it has 256 random bits. What is called like a secret and is none says so.';

export const IN_CLEAR =
  'What the service lists, sorts, filters or joins by: emails, names unless `ENCRYPT_NAMES` is set, avatar URLs, metadata, roles, times and ids; the subject and the email that a provider told; URLs of webhooks; the documents of your own collections. Passwords, tokens, codes and keys that work are nowhere in it. To hide the rest as well, encrypt the disk, and [backups](backup.md#encryption) with `BACKUP_KEYS`.';

export const OF_YOUR_OWN = `Mark the path, say that nobody sees it, and write it by \`seal\`:

\`\`\`ts
iban: { type: String, sensitive: 'When somebody is paid.' },

await Payee.collection.insertOne({ _id, ...seal(keyring, Payee, _id, { iban }) }, { session: tx });
openText(keyring, Payee, payee, 'iban');
\`\`\`

No query finds a ciphertext. To find documents by the whole text, declare a path for its hash and an index of that, and say how texts are brought into one form; \`seal\` writes both:

\`\`\`ts
phone: { type: String, sensitive: 'When somebody is called.', foundBy: { path: 'phoneHash', form: digitsOf } },
phoneHash: { type: String, kept: 'HMAC-SHA256 of \`phone\` by the keyring.' },

await Payee.collection.findOne({ phoneHash: { $in: hashesOf(keyring, Payee, 'phone', '+49 30 123456') } });
\`\`\`

\`bin/roster schema diff --write\` drafts the migration that makes the database refuse clear text there; rotation, this page and the archive of a person (which leaves it out unless the collection says how it is \`opened\`) follow. A field whose name sounds like a secret has to be marked, as \`sensitive\` or with how it is \`kept\`: a test fails otherwise.`;
