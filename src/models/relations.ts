import mongoose, { type SchemaType } from 'mongoose';
import { hasLife, isFollowed } from './life.ts';

/**
 * What becomes of a document when the one that it refers to is removed for good: it keeps that from being deleted, goes
 * with it, loses the reference, or loses the reference and every path that is marked `personal`.
 */
export const ON_DELETE = ['restrict', 'cascade', 'nullify', 'anonymise'] as const;
export type OnDelete = (typeof ON_DELETE)[number];

/** A model of mongoose's registry, whatever its documents hold. */
export type AnyModel = (typeof mongoose.models)[string];

/** @throws Error where there is none */
export function modelNamed(name: string): AnyModel {
  const model = mongoose.models[name];
  if (!model) throw new Error(`There is no model ${name}.`);
  return model;
}

/** A path that holds the id of another document, as the schema declares it: `{ ref: 'Team', onDelete: 'cascade' }`. */
export interface Relation {
  readonly child: AnyModel;
  readonly path: string;
  readonly parentName: string;
  readonly onDelete: OnDelete;
}

/** What a path may say beyond mongoose's own options. */
interface PathOptions {
  readonly ref?: unknown;
  readonly onDelete?: unknown;
  readonly personal?: boolean;
}

const optionsOf = (type: SchemaType): PathOptions => type.options as PathOptions;

function pathsOf({ schema }: AnyModel): [path: string, type: SchemaType][] {
  const paths: [string, SchemaType][] = [];
  schema.eachPath((path, type) => paths.push([path, type]));
  return paths;
}

/** @throws Error where a reference lacks a policy: nothing may be removed as if it were not there */
function relationOf(child: AnyModel, path: string, { ref, onDelete }: PathOptions): Relation {
  const policy = ON_DELETE.find((each) => each === onDelete);
  if (typeof ref !== 'string' || !policy)
    throw new Error(
      `${child.modelName}.${path}: a reference names its model and says what its deletion does (onDelete).`,
    );
  return { child, path, parentName: ref, onDelete: policy };
}

/** The relations in which documents of this model are the children. */
export function relationsOf(childName: string): readonly Relation[] {
  const child = modelNamed(childName);
  return pathsOf(child)
    .filter(([, type]) => optionsOf(type).ref !== undefined)
    .map(([path, type]) => relationOf(child, path, optionsOf(type)));
}

let complete = false;

/** The list of collections says so once it has loaded all models. */
export function allModelsAreLoaded(): void {
  complete = true;
}

/** @throws Error in a process that has not loaded them all: what it does not know of would be left behind */
function allModels(): AnyModel[] {
  if (!complete) throw new Error('The list of collections is not loaded, so it is not known what refers to what.');
  return Object.values(mongoose.models);
}

/** The relations in which documents of this model are the parents, among all models that there are now. */
export const relationsTo = (parentName: string): readonly Relation[] =>
  allModels()
    .flatMap(({ modelName }) => relationsOf(modelName))
    .filter((relation) => relation.parentName === parentName);

/** The models whose documents live by `LIFE_FIELDS`. */
export const livingModels = (): readonly AnyModel[] => allModels().filter(hasLife);

/** Models whose documents take others along. */
export const followedModels = (): readonly AnyModel[] => allModels().filter(isFollowed);

/** Paths whose values tell of a person. */
export const personalPathsOf = (model: AnyModel): readonly string[] =>
  pathsOf(model)
    .filter(([, type]) => optionsOf(type).personal)
    .map(([path]) => path);

/**
 * Refuses a model whose relations could not be kept. To be called when all models are there.
 * @throws Error that names the path and what is wrong with it
 */
export function checkRelations({ modelName }: { readonly modelName: string }): void {
  for (const [path, type] of pathsOf(modelNamed(modelName))) refuseHidden(modelName, path, type);
  for (const relation of relationsOf(modelName)) {
    const wrong = wrongWith(relation);
    if (wrong) throw new Error(`${modelName}.${relation.path}: ${wrong}`);
  }
}

/** @throws Error where a reference stands so deep that `relationsOf` does not see it */
function refuseHidden(modelName: string, path: string, type: SchemaType): void {
  const inner = type.getEmbeddedSchemaType();
  const hidden = inner !== undefined && optionsOf(inner).ref !== undefined;
  let nested = false;
  type.schema?.eachPath((_path, each) => {
    nested ||= optionsOf(each).ref !== undefined;
  });
  if (hidden || nested)
    throw new Error(`${modelName}.${path}: references in lists and subdocuments make a collection of their own.`);
}

function wrongWith(relation: Relation): string | undefined {
  const { child, path, parentName } = relation;
  const parent = mongoose.models[parentName];
  if (!parent) return `there is no model ${parentName}.`;
  if (hasLife(child) && !parent.schema.path('childrenRevision'))
    return `${parentName} has no childrenRevision, by which its deletion and a new reference conflict.`;
  if (!hasIndex(child, path)) return 'no index begins with it.';
  return wrongWithPolicy(relation);
}

function wrongWithPolicy({ child, path, onDelete }: Relation): string | undefined {
  const required = (each: string) => child.schema.path(each).isRequired === true;
  if (onDelete !== 'nullify' && onDelete !== 'anonymise') return undefined;
  if (required(path)) return `a required path cannot be left empty (${onDelete}).`;
  const kept = onDelete === 'anonymise' ? personalPathsOf(child).find(required) : undefined;
  return kept && `the personal path ${kept} is required, so it could not be anonymised.`;
}

/** An index that serves a search for any value of the path: one over a part of the documents does so if all with a value are in it. */
const hasIndex = ({ schema }: AnyModel, path: string): boolean =>
  schema.indexes().some(([key, options]) => {
    const { partialFilterExpression: part } = options as { partialFilterExpression?: object };
    const whole = part === undefined || JSON.stringify(part) === JSON.stringify({ [path]: { $exists: true } });
    return Object.keys(key)[0] === path && whole;
  });
