import { Type } from 'typebox';
import { wireSchemas } from '../../../src/schemas/resource.ts';
import { NOTE_TAG_LIMITS } from '../models/note-tag.ts';

export const noteTag = wireSchemas('NoteTag', {
  description: 'A word that its owner puts notes under.',
  fields: { name: Type.String({ minLength: 1, maxLength: NOTE_TAG_LIMITS.name, description: 'The word.' }) },
  example: { name: 'garden' },
});
