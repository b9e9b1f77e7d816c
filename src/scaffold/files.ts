import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Blueprint } from './blueprint.ts';
import { docsText } from './docs-text.ts';
import { migrationFile, migrationText } from './migration-text.ts';
import { junctionText, modelText } from './model-text.ts';
import { Refusal } from './refusal.ts';
import { routeText } from './route-text.ts';
import { schemaText } from './schema-text.ts';
import { testText } from './test-text.ts';

/** Path below the root → its text. */
type Files = ReadonlyMap<string, string>;

/** What stands nowhere yet, and what changes where it stands. */
export interface Writing {
  readonly made: Files;
  readonly changed: Files;
}

const LIST = 'src/collections/index.ts';
const DOCS = 'docs/collections.md';

const filesOf = (blueprint: Blueprint): [path: string, text: string][] => {
  const { names, links } = blueprint;
  return [
    [`src/models/${names.file}.ts`, modelText(blueprint)],
    ...links.map((link): [string, string] => [`src/models/${link.file}.ts`, junctionText(blueprint, link)]),
    [`src/schemas/${names.file}.ts`, schemaText(blueprint)],
    [`src/routes/${names.file}.ts`, routeText(blueprint)],
    [migrationFile(blueprint), migrationText(blueprint)],
    [`test/routes/${names.url}.test.ts`, testText(blueprint)],
  ];
};

/** All texts of these collections. @throws {Refusal} when the list of collections is not as it is looked for */
export function writingOf(root: string, blueprints: readonly Blueprint[]): Writing {
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  return {
    made: new Map(blueprints.flatMap(filesOf)),
    changed: new Map([
      [LIST, listed(read(LIST), blueprints)],
      [DOCS, `${read(DOCS)}${blueprints.map(docsText).join('')}`],
    ]),
  };
}

const ENTRIES = /(const domain: Resource\[\] = \[)([^\]]*)(\];)/;
const IMPORT = "import type { Resource } from '../routes/resource/declaration.ts';\n";

/** The list of collections with these in it. */
function listed(text: string, blueprints: readonly Blueprint[]): string {
  if (!ENTRIES.test(text) || !text.includes(IMPORT))
    throw new Refusal(`${LIST}: "const domain: Resource[] = [" or its import is not found. Nothing was changed.`, {
      typed: false,
    });
  const imports = blueprints.map(({ names }) => `import { ${names.plural} } from '../routes/${names.file}.ts';\n`);
  return text
    .replace(IMPORT, `${IMPORT}${imports.join('')}`)
    .replace(ENTRIES, (_, begin: string, entries: string, end: string) => {
      const given = entries.split(',').flatMap((entry) => entry.trim() || []);
      return `${begin}${[...given, ...blueprints.map(({ names }) => names.plural)].join(', ')}${end}`;
    });
}
