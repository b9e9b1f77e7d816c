import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from '../../../src/models/life.ts';

export const TAG_LIMITS = Object.freeze({ name: 40 });

/** A word that its owner puts notes under. */
const tagSchema = new Schema(
  {
    ...LIFE_FIELDS,
    userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },
    name: { type: String, required: true, maxlength: TAG_LIMITS.name },
  },
  { collection: 'tags', versionKey: false },
);

tagSchema.index({ userId: 1, name: 1 }, { name: 'idx_tags_user_id_name', unique: true });
tagSchema.index({ userId: 1, _id: 1 }, { name: 'idx_tags_user_id' });
addLifeIndexes(tagSchema, 'tags');

export const Tag = model('Tag', tagSchema);

export type TagRecord = InferSchemaType<typeof tagSchema> & { _id: Types.ObjectId };
