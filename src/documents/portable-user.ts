import { PortableUser } from '../schemas/portable-user.ts';

const DESCRIPTION =
  'An account in a file: what `bin/roster export users` writes, one a line of NDJSON, and `bin/roster import users` reads. CSV has a column for each property. Import also normalises emails and names, and refuses an email that is none, or that another line has.';

/** `docs/portable-user.schema.json`: our own format, from the schema that import checks it by. */
export const portableUserDocument = (): string =>
  `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $comment: 'Written by `bin/roster docs` from src/schemas/portable-user.ts; changes here are overwritten.',
      title: 'Portable account',
      description: DESCRIPTION,
      ...PortableUser,
    },
    undefined,
    2,
  )}\n`;
