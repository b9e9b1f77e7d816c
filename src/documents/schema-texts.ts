import { paragraphs } from './markdown.ts';

/** What the schema document says that no single model knows. */

export const STATUS_MACHINE = `\`\`\`mermaid
stateDiagram-v2
  [*] --> active : sign up
  active --> inactive : deactivated
  inactive --> active : sign in, or an admin reactivates
  active --> suspended : an admin suspends
  inactive --> suspended : an admin suspends
  suspended --> active : an admin reactivates
  active --> deleted : deleted
  inactive --> deleted : deleted
  suspended --> deleted : deleted
  deleted --> active : an admin restores, to the status before
  deleted --> inactive : an admin restores, to the status before
  deleted --> suspended : an admin restores, to the status before
\`\`\``;

export const VALIDATION = [
  '- **Email**: normalised, then validated, then unique by index: spellings that differ in case, width or Unicode form are one account.',
  '- **Password**: at least `PASSWORD_MIN_LENGTH` and at most 256 characters (code points, after NFC), never truncated; common ones and ones made of the service’s name or of the account’s own email or names are refused, all reasons at once.',
  '- **Names**: sanitised on write against markup and control characters; stored as people write them, encoded by whoever shows them.',
  '- **Unknown fields**: refused on the wire (400) and by the models (`strict: throw`).',
].join('\n');

export const INDEXING = [
  '- Names are `idx_<collection>_<fields>`.',
  '- Every reference has an index; every filter and order that a route offers is served by one, and pairs that none serves are refused.',
  '- Lists page by key, never by offset: a deep page costs what the first one costs.',
  '- A TTL index has `expireAfterSeconds: 0` on `expiresAt`: a changed retention period touches documents, never an index. Expiry is compared at each use; the TTL only tidies up.',
  '- No collation: what is compared without regard to case is stored normalised.',
].join('\n');

export const MIGRATING = paragraphs(
  'Sequential files in `migrations/`, each with `up` and `down`, safe to repeat when killed midway; `down` destroys no document. Operators run the plain commands; several at once are safe, one works and the others wait:',
  `\`\`\`sh
npx migrate-mongo status
npx migrate-mongo up
npx migrate-mongo down                    # undoes the newest
bin/roster schema diff --write            # drafts what brings the database to changed models, and back
npm run migrate:create add_user_nicknames # the skeleton of the next one
npm run migrate:rehearse                  # up, down, up on a copy, before production
\`\`\``,
  'In production nothing migrates by itself: apply migrations before the new version starts. An older version goes on serving on a newer schema.',
);

export const DEVIATIONS: readonly (readonly string[])[] = [
  [
    'table `users`, columns in snake_case',
    'collection `users`, fields in camelCase',
    'One spelling in documents, in code and on the wire.',
  ],
  [
    '`id SERIAL`',
    '`_id` ObjectId; `id` on the wire, 24 hexadecimal characters',
    'Made without asking the database, ordered by time, and no count of accounts to read off it.',
  ],
  ['`id: number`', '`id: string`', 'JSON has no ObjectId.'],
  [
    '`password_hash NOT NULL`',
    '`passwordHash` may be absent',
    'An account without a password is a valid account; it only cannot sign in by one.',
  ],
  ['`email VARCHAR(255)`', 'the same limit, on the normalised form', 'Uniqueness must not depend on spelling.'],
  [
    '`avatar_url TEXT`',
    'at most 2,048 characters, https',
    'Unbounded text is a way to fill a database; another scheme is a way to run scripts.',
  ],
  ['`TIMESTAMP`, `Date`', 'Date when stored, ISO 8601 text in UTC on the wire', 'JSON has no dates.'],
  ['`DEFAULT` in the database', 'defaults in the model', 'A document store’s validator checks, it does not fill in.'],
  [
    'type `user_status`',
    'an enum in the validator and in the model; also as `users.status`',
    'The SQL schema names the type, no column of it.',
  ],
  ['–', '`status`, `roles`, `metadata` in the application model', 'Clients need them to show an account.'],
  [
    '`idx_users_created_at` on `created_at`',
    'on `createdAt`, `_id`',
    'Two accounts of one millisecond need an order, or a page could skip one.',
  ],
  [
    'foreign keys',
    'references with an index; what becomes of them is written under «Relations»',
    'The database has no foreign keys: the transaction of the change does it.',
  ],
];
