// Why: people keep notes, and put them under tags. One tag of a name for each owner, one link for a note and a tag.

import { dropIndexes, putCollection, putIndexes, retireCollection } from '../../../migrations/lib/shape.js';

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
const text = (maxLength) => ({ bsonType: 'string', maxLength });

const parts = [
  [
    'note_tags',
    {
      bsonType: 'object',
      required: ['_id', 'createdAt', 'updatedAt', 'revision', 'userId', 'name'],
      properties: { _id: id, ...life, userId: id, name: text(40) },
    },
    [
      { key: { userId: 1, name: 1 }, name: 'idx_note_tags_user_id_name', unique: true },
      { key: { userId: 1, _id: 1 }, name: 'idx_note_tags_user_id' },
      ...lifeIndexes('note_tags'),
    ],
  ],
  [
    'notes',
    {
      bsonType: 'object',
      required: ['_id', 'createdAt', 'updatedAt', 'revision', 'userId', 'title', 'colour'],
      properties: {
        _id: id,
        ...life,
        userId: id,
        title: text(200),
        text: text(10_000),
        colour: { bsonType: 'string', enum: ['white', 'yellow', 'green'] },
        dueAt: { bsonType: 'date' },
        price: { bsonType: 'decimal' },
        remark: text(500),
      },
    },
    [
      { key: { userId: 1, _id: 1 }, name: 'idx_notes_user_id' },
      { key: { userId: 1, colour: 1, _id: 1 }, name: 'idx_notes_user_id_colour' },
      { key: { userId: 1, createdAt: 1, _id: 1 }, name: 'idx_notes_user_id_created_at' },
      { key: { colour: 1, _id: 1 }, name: 'idx_notes_colour' },
      ...lifeIndexes('notes'),
    ],
  ],
  [
    'note_taggings',
    {
      bsonType: 'object',
      required: ['_id', 'noteId', 'tagId', 'createdAt'],
      properties: {
        _id: id,
        noteId: id,
        tagId: id,
        place: { bsonType: 'number', minimum: 1, maximum: 100 },
        createdAt: { bsonType: 'date' },
        journalRevision: { bsonType: 'number' },
      },
    },
    [
      { key: { noteId: 1, tagId: 1 }, name: 'idx_note_taggings_note_id_tag_id', unique: true },
      { key: { tagId: 1, noteId: 1 }, name: 'idx_note_taggings_tag_id_note_id' },
    ],
  ],
];

export async function up(db) {
  for (const [name, shape, indexes] of parts) {
    await putCollection(db, name, shape);
    await putIndexes(db, name, indexes);
  }
}

/** Destroys no document. */
export async function down(db) {
  for (const [name, , indexes] of parts.toReversed()) {
    await dropIndexes(db, name, indexes);
    await retireCollection(db, name);
  }
}
