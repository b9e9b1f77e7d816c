import type { Collection } from '../collections/define.ts';
import { collections } from '../collections/index.ts';
import { storedPaths } from './collection.ts';
import { code, paragraphs, table } from './markdown.ts';

/** Relations between collections: a table, and a Mermaid entity-relationship diagram. */
export function relationsSection(): string {
  const rows = collections.flatMap(({ name, relations }) =>
    relations.map(({ path, to, many, onDelete }) => [
      `${code(to)} → ${code(name)}`,
      many ? 'one to many' : 'one to one',
      code(`${name}.${path}`),
      onDelete,
    ]),
  );
  return paragraphs(
    table(['From → to', 'Kind', 'Held by', 'When the first goes'], rows),
    'Collections without a line in the diagram stand alone.',
    ['```mermaid', 'erDiagram', ...collections.flatMap(relationLines), ...collections.flatMap(entityLines), '```'].join(
      '\n',
    ),
  );
}

const relationLines = ({ name, relations }: Collection): string[] =>
  relations.map(({ to, many, verb }) => `  ${to} ||--${many ? 'o{' : 'o|'} ${name} : "${verb}"`);

/** Top-level fields only, and no dots: Mermaid's names of attributes are plain words. */
function entityLines({ name, validator, relations, indexDefinitions }: Collection): string[] {
  const unique = indexDefinitions.filter((index) => index.unique).flatMap(({ key }) => Object.keys(key));
  const foreign = relations.map(({ path }) => path);
  const attributes = storedPaths(validator)
    .filter(([path]) => !path.includes('.'))
    .map(([path, { bsonType }]) => {
      const key = path === '_id' ? ' PK' : foreign.includes(path) ? ' FK' : unique.includes(path) ? ' UK' : '';
      return `    ${[bsonType ?? 'any'].flat().join('_')} ${path}${key}`;
    });
  return [`  ${name} {`, ...attributes, '  }'];
}
