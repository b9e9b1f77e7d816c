import mongoose, { Schema } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from '../../src/models/life.ts';

type Keys = Readonly<Record<string, Record<string, 1>>>;

/** A model of tests alone, as a team would write one; `unique` names the indexes that are. */
export function testModel(
  name: string,
  fields: Record<string, object>,
  keys: Keys = {},
  { unique = [], life = true }: { readonly unique?: readonly string[]; readonly life?: boolean } = {},
) {
  const collection = `${name.replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()}s`;
  const own = life ? LIFE_FIELDS : { createdAt: { type: Date, required: true } };
  const schema = new Schema({ ...own, ...fields } as Record<string, object>, { collection, versionKey: false });
  for (const [suffix, key] of Object.entries(keys))
    schema.index(key, { name: `idx_${collection}_${suffix}`, ...(unique.includes(suffix) && { unique: true }) });
  if (life) addLifeIndexes(schema, collection);
  return mongoose.model(name, schema);
}

export const ref = (to: string, onDelete: string, more: object = {}) => ({
  type: Schema.Types.ObjectId,
  ref: to,
  onDelete,
  ...more,
});
export const text = (maxlength: number, more: object = {}) => ({ type: String, maxlength, ...more });
export const required = { required: true };
export const say = (description: string) => ({ description });
