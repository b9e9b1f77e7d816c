// Why: people of a product work in teams. One membership for a team and a person, one invitation for a team and an email;
// an invitation that nobody accepts goes by its TTL, and comes by mail with a token. Each change of these documents leaves
// its image in the journal, whose images go by their TTL as well.

import { dropIndexes, putCollection, putIndexes, retireCollection } from './lib/shape.js';
import { changeValidator, withoutValues, withValues } from './lib/validators.js';

const life = {
  createdAt: { bsonType: 'date' },
  updatedAt: { bsonType: 'date' },
  revision: { bsonType: 'number' },
  deletedAt: { bsonType: 'date' },
  purgeAt: { bsonType: 'date' },
  deletedWith: { bsonType: 'objectId' },
  settling: { bsonType: 'bool' },
  childrenRevision: { bsonType: 'number' },
  journalRevision: { bsonType: 'number' },
};

const shapeOf = (fields, required) => ({
  bsonType: 'object',
  required: ['_id', 'createdAt', 'updatedAt', 'revision', ...required],
  properties: { _id: { bsonType: 'objectId' }, ...life, ...fields },
});

const lifeIndexes = (name) =>
  [
    ['purgeAt', 'purge_at', { purgeAt: 1 }],
    ['settling', 'settling', { settling: 1, _id: 1 }],
    ['deletedWith', 'deleted_with', { deletedWith: 1, _id: 1 }],
  ].map(([path, suffix, key]) => ({
    key,
    name: `idx_${name}_${suffix}`,
    partialFilterExpression: { [path]: { $exists: true } },
  }));

const id = { bsonType: 'objectId' };
const role = { bsonType: 'string', enum: ['owner', 'admin', 'member'] };

const parts = [
  ['teams', shapeOf({ name: { bsonType: 'string', maxLength: 100 } }, ['name']), lifeIndexes('teams')],
  [
    'memberships',
    shapeOf({ teamId: id, userId: id, role }, ['teamId', 'userId', 'role']),
    [
      { key: { teamId: 1, userId: 1 }, name: 'idx_memberships_team_id_user_id', unique: true },
      { key: { teamId: 1, _id: 1 }, name: 'idx_memberships_team_id' },
      { key: { teamId: 1, role: 1, _id: 1 }, name: 'idx_memberships_team_id_role' },
      { key: { userId: 1, _id: 1 }, name: 'idx_memberships_user_id' },
      ...lifeIndexes('memberships'),
    ],
  ],
  [
    'invitations',
    shapeOf(
      {
        teamId: id,
        email: { bsonType: 'string', maxLength: 255 },
        role,
        invitedBy: id,
        expiresAt: { bsonType: 'date' },
      },
      ['teamId', 'email', 'role', 'expiresAt'],
    ),
    [
      { key: { teamId: 1, email: 1 }, name: 'idx_invitations_team_id_email', unique: true },
      { key: { teamId: 1, _id: 1 }, name: 'idx_invitations_team_id' },
      { key: { email: 1, _id: 1 }, name: 'idx_invitations_email' },
      { key: { invitedBy: 1, _id: 1 }, name: 'idx_invitations_invited_by' },
      { key: { expiresAt: 1 }, name: 'idx_invitations_expires_at', expireAfterSeconds: 0 },
      ...lifeIndexes('invitations'),
    ],
  ],
];

const more = [
  ['one_time_tokens', 'purpose', ['team-invitation']],
  ['outbox', 'template', ['team-invitation']],
];

const journal = {
  bsonType: 'object',
  required: ['_id', 'transactionId', 'at', 'collection', 'documentId', 'revision', 'expiresAt'],
  properties: {
    _id: id,
    transactionId: id,
    at: { bsonType: 'date' },
    collection: { bsonType: 'string', maxLength: 64 },
    documentId: {},
    revision: { bsonType: 'number' },
    image: { bsonType: 'object' },
    accounts: { bsonType: 'array', items: id },
    expiresAt: { bsonType: 'date' },
  },
};
const journalIndexes = [
  { key: { at: 1, _id: 1 }, name: 'idx_journal_at' },
  { key: { collection: 1, documentId: 1, revision: 1 }, name: 'idx_journal_collection_document_id_revision' },
  {
    key: { accounts: 1, _id: 1 },
    name: 'idx_journal_accounts',
    partialFilterExpression: { accounts: { $exists: true } },
  },
  {
    key: { 'image.email': 1, _id: 1 },
    name: 'idx_journal_image_email',
    partialFilterExpression: { 'image.email': { $exists: true } },
  },
  { key: { expiresAt: 1 }, name: 'idx_journal_expires_at', expireAfterSeconds: 0 },
];

parts.push(['journal', journal, journalIndexes]);

export async function up(db) {
  for (const [name, shape, indexes] of parts) {
    await putCollection(db, name, shape);
    await putIndexes(db, name, indexes);
  }
  for (const [name, path, values] of more) await changeValidator(db, name, withValues(path, values));
}

/** Tokens and mails stay: the older rule holds for those that are written from now on. */
export async function down(db) {
  for (const [name, path, values] of more.toReversed()) await changeValidator(db, name, withoutValues(path, values));
  for (const [name, , indexes] of parts.toReversed()) {
    await dropIndexes(db, name, indexes);
    await retireCollection(db, name);
  }
}
