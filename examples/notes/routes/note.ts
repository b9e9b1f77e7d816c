import { Type } from 'typebox';
import { owner, permission } from '../../../src/lib/access-rules.ts';
import { people } from '../../../src/routes/people.ts';
import { resource } from '../../../src/routes/resource/resource.ts';
import { NOTE_COLOURS, Note, type NoteRecord } from '../models/note.ts';
import { NoteTagging } from '../models/note-tagging.ts';
import { note } from '../schemas/note.ts';
import { noteTags } from './note-tag.ts';

export const notes = resource<NoteRecord>({
  model: Note,
  name: 'note',
  purpose: 'What people want to remember.',
  schemas: note,
  access: {
    list: [owner(), permission('collections:read')],
    read: [owner(), permission('collections:read')],
    create: owner(),
    update: [owner(), permission('collections:write')],
    delete: owner(),
    restore: permission('collections:write'),
  },
  fields: { remark: { read: permission('collections:read'), write: permission('collections:write') } },
  filters: ['colour', 'createdAt'],
  sorts: ['createdAt'],
  include: {
    user: { kind: 'parent', path: 'userId', of: () => people },
    tags: {
      kind: 'links',
      through: NoteTagging,
      from: 'noteId',
      to: 'tagId',
      of: () => noteTags,
      fields: {
        place: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 100, description: 'Where it stands.', examples: [1] }),
        ),
      },
    },
  },
  enums: { 'Note colour': NOTE_COLOURS },
  private: { userId: 'Whose it is.' },
});
