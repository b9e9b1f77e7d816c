import { notes } from './routes/note.ts';
import { tags } from './routes/tag.ts';

/** Notes with tags, as a team would write them: `mount(...notebook)` before the service is built. */
export const notebook = [tags, notes] as const;
