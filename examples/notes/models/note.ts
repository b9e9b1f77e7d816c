import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from '../../../src/models/life.ts';

export const NOTE_COLOURS = ['white', 'yellow', 'green'] as const;
export const NOTE_LIMITS = Object.freeze({ title: 200, text: 10_000, reason: 500 });

/** What somebody wants to remember. */
const noteSchema = new Schema(
  {
    ...LIFE_FIELDS,
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    title: { type: String, required: true, maxlength: NOTE_LIMITS.title },
    text: { type: String, maxlength: NOTE_LIMITS.text },
    colour: { type: String, enum: NOTE_COLOURS, required: true, default: 'white' },
    dueAt: { type: Date },
    price: { type: Schema.Types.Decimal128 },
    /** Why administration looked at it. */
    remark: { type: String, maxlength: NOTE_LIMITS.reason },
  },
  { collection: 'notes', versionKey: false },
);

noteSchema.index({ userId: 1, _id: 1 }, { name: 'idx_notes_user_id' });
noteSchema.index({ userId: 1, colour: 1, _id: 1 }, { name: 'idx_notes_user_id_colour' });
noteSchema.index({ userId: 1, createdAt: 1, _id: 1 }, { name: 'idx_notes_user_id_created_at' });
noteSchema.index({ colour: 1, _id: 1 }, { name: 'idx_notes_colour' });
addLifeIndexes(noteSchema, 'notes');

export const Note = model('Note', noteSchema);

export type NoteRecord = InferSchemaType<typeof noteSchema> & { _id: Types.ObjectId };
