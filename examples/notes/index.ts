import { keywords } from './routes/keyword.ts';
import { notes } from './routes/note.ts';

/** Notes with keywords, as a team would write them: `mount(...notebook)` before the service is built. */
export const notebook = [keywords, notes] as const;
