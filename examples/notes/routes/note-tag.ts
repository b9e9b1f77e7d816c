import { owner } from '../../../src/lib/access-rules.ts';
import { resource } from '../../../src/routes/resource/resource.ts';
import { NoteTag, type NoteTagRecord } from '../models/note-tag.ts';
import { noteTag } from '../schemas/note-tag.ts';

export const noteTags = resource<NoteTagRecord>({
  model: NoteTag,
  name: 'noteTag',
  purpose: 'Words that people put their notes under.',
  schemas: noteTag,
  access: { list: owner(), read: owner(), create: owner(), update: owner(), delete: owner(), restore: owner() },
  sorts: ['name'],
  private: { userId: 'Whose it is.' },
  indexes: { idx_note_tags_user_id_name: 'One tag of a name for each owner; lists by name.' },
});
