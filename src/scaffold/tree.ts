import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A collection that has its sources in this tree, or is about to. */
export interface Known {
  readonly collection: string;
  readonly model: string;
  /** Whether something may refer to it: its deletion and a new reference have to conflict. */
  readonly mayBeReferredTo: boolean;
  /** Absent where it has no routes of its own, or hand-made ones. */
  readonly resource?: { readonly constant: string; readonly singular: string; readonly file: string };
}

/** What stands in the sources: by it is decided whether a collection can be added. */
export interface Tree {
  readonly root: string;
  readonly known: readonly Known[];
  /** Names of wire schemas. */
  readonly schemas: ReadonlySet<string>;
  readonly operationIds: ReadonlySet<string>;
  /** `/v1/users` */
  readonly paths: readonly string[];
  /** The number of the next migration. */
  readonly nextMigration: number;
}

interface Source {
  readonly file: string;
  readonly text: string;
}

function sourcesIn(directory: string): Source[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => ({ file: file.replace(/\.ts$/, ''), text: readFileSync(join(directory, file), 'utf8') }));
}

const found = (text: string, pattern: RegExp): string | undefined => pattern.exec(text)?.[1];

function knownIn(root: string): Known[] {
  const routes = sourcesIn(join(root, 'src/routes'));
  return sourcesIn(join(root, 'src/models')).flatMap(({ text }) => {
    const model = found(text, /= model\('(\w+)'/);
    const collection = found(text, /\{ collection: '(\w+)', /);
    if (model === undefined || collection === undefined) return [];
    const resource = resourceOf(routes, model);
    const mayBeReferredTo = /\b(?:LIFE_FIELDS|childrenRevision)\b/.test(text);
    return [{ model, collection, mayBeReferredTo, ...(resource && { resource }) }];
  });
}

function resourceOf(routes: readonly Source[], model: string): Known['resource'] {
  for (const { file, text } of routes) {
    const [, constant = '', singular = ''] =
      new RegExp(`export const (\\w+)[^=]* = resource<[^>]*>\\(\\{\\s*model: ${model},\\s*name: '(\\w+)'`).exec(text) ??
      [];
    if (constant !== '') return { constant, singular, file };
  }
  return undefined;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId?: string }>>>>;
  readonly components: { readonly schemas: object };
}

/** Whether these are the sources: a tree that was built for production may have none. */
export const hasSources = (root: string): boolean =>
  ['src/collections/index.ts', 'migrations', 'node_modules/@biomejs/biome', 'node_modules/typescript'].every((path) =>
    existsSync(join(root, path)),
  );

export function readTree(root: string): Tree {
  const openApi = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8')) as OpenApi;
  const named = sourcesIn(join(root, 'src')).flatMap(({ text }) =>
    [...text.matchAll(/\b(?:named|wireSchemas)\(\s*'(\w+)'/g)].map(([, name = '']) => name),
  );
  const numbers = readdirSync(join(root, 'migrations')).map((file) => Number(/^(\d{3})_/.exec(file)?.[1] ?? 0));
  return {
    root,
    known: knownIn(root),
    schemas: new Set([...Object.keys(openApi.components.schemas), ...named]),
    operationIds: new Set(
      Object.values(openApi.paths).flatMap((methods) =>
        Object.values(methods).flatMap(({ operationId }) => operationId ?? []),
      ),
    ),
    paths: Object.keys(openApi.paths),
    nextMigration: Math.max(...numbers) + 1,
  };
}
