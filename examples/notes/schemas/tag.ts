import { Type } from 'typebox';
import { wireSchemas } from '../../../src/schemas/resource.ts';
import { TAG_LIMITS } from '../models/tag.ts';

export const tag = wireSchemas('Tag', {
  description: 'A word that its owner puts notes under.',
  fields: { name: Type.String({ minLength: 1, maxLength: TAG_LIMITS.name, description: 'The word.' }) },
  example: { name: 'garden' },
});
