import { Type } from 'typebox';
import { wireSchemas } from '../../../src/schemas/resource.ts';
import { KEYWORD_LIMITS } from '../models/keyword.ts';

export const keyword = wireSchemas('Keyword', {
  description: 'A word that its owner puts notes under.',
  fields: { name: Type.String({ minLength: 1, maxLength: KEYWORD_LIMITS.name, description: 'The word.' }) },
  example: { name: 'garden' },
});
