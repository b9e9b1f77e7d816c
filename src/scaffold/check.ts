import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import type { Owner } from './blueprint.ts';
import { Refusal } from './refusal.ts';
import type { Tree } from './tree.ts';
import { capital, type Names } from './words.ts';

/** What the written files import or declare by themselves. */
const USED = ['model', 'owner', 'permission', 'resource', 'schema', 'type', 'collection', 'relation', 'audience'];

/** Words of TypeScript, which no constant may be called. */
const KEYWORDS = new Set(
  `any arguments as async await boolean break case catch class const continue debugger default delete do else enum eval
  export extends false finally for from function get if implements import in instanceof interface let new null number of
  package private protected public return set static string super switch symbol this throw true try type typeof undefined
  var void while with yield`.split(/\s+/),
);

/** `Date`, `Map`, `Promise` … */
const BUILT_IN: ReadonlySet<string> = new Set(
  runInNewContext('Object.getOwnPropertyNames(globalThis)') as readonly string[],
);

/** The files of a collection, none of which may stand already. */
const filesOf = ({ file, url }: Names): string[] => [
  `src/models/${file}.ts`,
  `src/schemas/${file}.ts`,
  `src/routes/${file}.ts`,
  `test/routes/${url}.test.ts`,
];

/** @throws {Refusal} for names that stand for something already */
export function checkNames(names: Names, owner: Owner, tree: Tree): void {
  const { singular, plural, model, collection } = names;
  if (tree.known.some((each) => each.collection === collection))
    throw new Refusal(`There is a collection ${collection} already; nothing was changed.`, { typed: false });
  for (const word of [singular, plural])
    if (KEYWORDS.has(word) || USED.includes(word) || BUILT_IN.has(capital(word)) || word in {})
      throw new Refusal(`${word} is a word of the language or of the code that would be written: take another name.`);
  if (tree.known.some((each) => each.model === model))
    throw new Refusal(`There is a model ${model} already; nothing was changed.`, { typed: false });
  const file = filesOf(names).find((path) => existsSync(join(tree.root, path)));
  if (file !== undefined) throw new Refusal(`${file} is there already; nothing was changed.`, { typed: false });
  checkApi(names, owner, tree);
}

/** Schemas, operations and URLs have names of their own as well. */
function checkApi({ url, plural, model }: Names, owner: Owner, { schemas, operationIds, paths }: Tree): void {
  const refuse = (what: string) => new Refusal(`${what} already; nothing was changed.`, { typed: false });
  const schema = [model, `Admin${model}`, `New${model}`, `${model}Patch`, `${model}Page`].find((id) => schemas.has(id));
  if (schema !== undefined) throw refuse(`The API has a schema ${schema}`);
  const operations = ['', 'Any'].flatMap((any) => [
    `list${any}${capital(plural)}`,
    ...['get', 'create', 'update', 'delete', 'restore'].map((verb) => `${verb}${any}${model}`),
  ]);
  const operation = operations.find((id) => operationIds.has(id));
  if (operation !== undefined) throw refuse(`The API has an operation ${operation}`);
  const below = owner === 'team' ? '/teams/{teamId}/' : '/';
  const taken = [`/v1${below}${url}`, `/v1/admin${below}${url}`].find((path) =>
    paths.some((each) => `${each}/`.startsWith(`${path}/`)),
  );
  if (taken !== undefined) throw refuse(`The API has ${taken}`);
}
