import type { Collection } from '../collections/define.ts';
import { collections } from '../collections/index.ts';
import { code, paragraphs, table } from './markdown.ts';
import { IN_CLEAR, KEYRING, NAMES, OF_YOUR_OWN, OTHERWISE, SEALED } from './security-texts.ts';

/** `docs/security.md`: what a copy of the database tells, and every field that keeps a secret, as the models mark them. */
export function securityDocument(): string {
  return `${paragraphs(
    '# What the database keeps, and how',
    '<!-- Written by `bin/roster docs` from the marks in src/models; changes here are overwritten. -->',
    'Who attacks Roster, and what answers them, is told in [SECURITY.md](../SECURITY.md). This page is about a copy of the database in foreign hands: a stolen disk, a backup without a key of its own, a dump that was sent around.',
    '## The keyring',
    KEYRING,
    '## Encrypted',
    SEALED,
    fieldsTable('When it is opened', ({ encrypted }) => encrypted),
    '### Names of people',
    NAMES,
    '## Hashed, or kept otherwise',
    OTHERWISE,
    fieldsTable('How it is kept', ({ kept }) => kept),
    '## In clear',
    IN_CLEAR,
    '## Fields of your own',
    OF_YOUR_OWN,
  )}\n`;
}

const fieldsTable = (says: string, fieldsOf: (collection: Collection) => Readonly<Record<string, string>>): string =>
  table(
    ['Field', says],
    collections.flatMap((collection) =>
      Object.entries(fieldsOf(collection)).map(([path, text]) => [code(`${collection.name}.${path}`), text]),
    ),
  );
