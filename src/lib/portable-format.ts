/** The formats of files that accounts are exported to and imported from. */
import { extname } from 'node:path';

export const PORTABLE_FORMATS = ['ndjson', 'csv'] as const;
export type PortableFormat = (typeof PORTABLE_FORMATS)[number];

/** How the roles of an account are joined in one cell of CSV. */
export const ROLE_SEPARATOR = ';';

const EXTENSIONS = new Map<string, PortableFormat>([
  ['.ndjson', 'ndjson'],
  ['.jsonl', 'ndjson'],
  ['.csv', 'csv'],
]);

/** The format that the name of a file tells, if it does. */
export const formatOfName = (path: string): PortableFormat | undefined => EXTENSIONS.get(extname(path).toLowerCase());
