import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from '../../../src/models/life.ts';

export const KEYWORD_LIMITS = Object.freeze({ name: 40 });

/** A word that its owner puts notes under. */
const keywordSchema = new Schema(
  {
    ...LIFE_FIELDS,
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    name: { type: String, required: true, maxlength: KEYWORD_LIMITS.name },
  },
  { collection: 'keywords', versionKey: false },
);

keywordSchema.index({ userId: 1, name: 1 }, { name: 'idx_keywords_user_id_name', unique: true });
keywordSchema.index({ userId: 1, _id: 1 }, { name: 'idx_keywords_user_id' });
addLifeIndexes(keywordSchema, 'keywords');

export const Keyword = model('Keyword', keywordSchema);

export type KeywordRecord = InferSchemaType<typeof keywordSchema> & { _id: Types.ObjectId };
