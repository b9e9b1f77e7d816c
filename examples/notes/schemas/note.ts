import { Type } from 'typebox';
import { wireSchemas } from '../../../src/schemas/resource.ts';
import { NOTE_COLOURS, NOTE_LIMITS } from '../models/note.ts';

export const note = wireSchemas('Note', {
  description: 'What somebody wants to remember.',
  fields: {
    title: Type.String({ minLength: 1, maxLength: NOTE_LIMITS.title, description: 'One line.' }),
    text: Type.Optional(Type.String({ maxLength: NOTE_LIMITS.text, description: 'As much as it takes.' })),
    colour: Type.Optional(Type.Enum([...NOTE_COLOURS], { description: 'Of the paper; white unless given.' })),
    dueAt: Type.Optional(Type.String({ format: 'date-time', description: 'When it is to be done.' })),
    price: Type.Optional(
      Type.String({ pattern: '^-?\\d{1,15}(\\.\\d{1,4})?$', description: 'What it will cost, as decimal text.' }),
    ),
    remark: Type.Optional(
      Type.String({ maxLength: NOTE_LIMITS.reason, description: 'Why administration looked at it.' }),
    ),
  },
  example: { title: 'Water the roses', text: 'Twice a week.', colour: 'yellow', price: '12.50' },
});
