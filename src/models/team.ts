import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from './life.ts';

export const TEAM_LIMITS = Object.freeze({ name: 100 });

/** People who have things in common. Who they are, its memberships say. */
const teamSchema = new Schema(
  {
    ...LIFE_FIELDS,
    name: { type: String, required: true, maxlength: TEAM_LIMITS.name },
  },
  { collection: 'teams', versionKey: false },
);

addLifeIndexes(teamSchema, 'teams');

export const Team = model('Team', teamSchema);

export type TeamRecord = InferSchemaType<typeof teamSchema> & { _id: Types.ObjectId };
