import { model, Schema } from 'mongoose';

/** That a note has a keyword, and which place the keyword has on it. */
const noteKeywordSchema = new Schema(
  {
    noteId: { type: Schema.Types.ObjectId, ref: 'Note', onDelete: 'cascade', required: true },
    keywordId: { type: Schema.Types.ObjectId, ref: 'Keyword', onDelete: 'cascade', required: true },
    place: { type: Number, min: 1, max: 100 },
    createdAt: { type: Date, required: true },
  },
  { collection: 'note_keywords', versionKey: false },
);

noteKeywordSchema.index({ noteId: 1, keywordId: 1 }, { name: 'idx_note_keywords_note_id_keyword_id', unique: true });
noteKeywordSchema.index({ keywordId: 1, noteId: 1 }, { name: 'idx_note_keywords_keyword_id_note_id' });

export const NoteKeyword = model('NoteKeyword', noteKeywordSchema);
