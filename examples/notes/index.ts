import { notes } from './routes/note.ts';
import { noteTags } from './routes/note-tag.ts';

/** Notes with tags, as a team would write them: `mount(...notebook)` before the service is built. */
export const notebook = [noteTags, notes] as const;
