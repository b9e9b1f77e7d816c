import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from '../../../src/models/life.ts';

export const NOTE_TAG_LIMITS = Object.freeze({ name: 40 });

/** A word that its owner puts notes under. */
const noteTagSchema = new Schema(
  {
    ...LIFE_FIELDS,
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    name: { type: String, required: true, maxlength: NOTE_TAG_LIMITS.name },
  },
  { collection: 'note_tags', versionKey: false },
);

noteTagSchema.index({ userId: 1, name: 1 }, { name: 'idx_note_tags_user_id_name', unique: true });
noteTagSchema.index({ userId: 1, _id: 1 }, { name: 'idx_note_tags_user_id' });
addLifeIndexes(noteTagSchema, 'note_tags');

export const NoteTag = model('NoteTag', noteTagSchema);

export type NoteTagRecord = InferSchemaType<typeof noteTagSchema> & { _id: Types.ObjectId };
