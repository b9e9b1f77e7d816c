import { model, Schema } from 'mongoose';

/** That a note has a tag, and which place the tag has on it. */
const noteTaggingSchema = new Schema(
  {
    noteId: { type: Schema.Types.ObjectId, ref: 'Note', onDelete: 'cascade', required: true },
    tagId: { type: Schema.Types.ObjectId, ref: 'NoteTag', onDelete: 'cascade', required: true },
    place: { type: Number, min: 1, max: 100 },
    createdAt: { type: Date, required: true },
  },
  { collection: 'note_taggings', versionKey: false },
);

noteTaggingSchema.index({ noteId: 1, tagId: 1 }, { name: 'idx_note_taggings_note_id_tag_id', unique: true });
noteTaggingSchema.index({ tagId: 1, noteId: 1 }, { name: 'idx_note_taggings_tag_id_note_id' });

export const NoteTagging = model('NoteTagging', noteTaggingSchema);
