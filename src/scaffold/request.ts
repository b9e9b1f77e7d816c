import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Blueprint, type Link, OWNER_PATHS, OWNERS, type Owner, type Reference } from './blueprint.ts';
import { checkNames } from './check.ts';
import { type Field, fieldOf, parametersOf } from './field.ts';
import { Refusal } from './refusal.ts';
import type { Known, Tree } from './tree.ts';
import { camel, type Names, namesOf, singularOf } from './words.ts';

/** What was typed. */
export interface Request {
  readonly plural: string;
  readonly singular?: string;
  readonly owner: string;
  readonly fields: readonly string[];
  readonly manyToMany: readonly string[];
}

const KEBAB = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const LONGEST_NAME = 40;
const MOST_FIELDS = 40;
const LAST_MIGRATION = 999;

/**
 * Everything that is to be written, in the order in which it has to be: collections that are linked to come first.
 * @throws {Refusal} when any of it cannot be
 */
export function blueprintsOf(request: Request, tree: Tree): Blueprint[] {
  const owner = ownerOf(request.owner);
  const names = namesFor(request.plural, request.singular);
  checkNames(names, owner, tree);
  const fields = request.fields.map(fieldOf);
  checkFields(fields);
  const linked = linkedTo(request.manyToMany, names, owner, tree);
  const known = [...tree.known, ...linked.map(({ known }) => known)];
  const references = fields.flatMap((field) => referenceOf(field, names, known));
  const links = request.manyToMany.map((name) => linkOf(names, name, known));
  checkTogether({ owner, fields, references, links }, tree);
  const made = linked.flatMap(({ made }) => made ?? []);
  checkApart([names, ...made.map(({ names }) => names), ...links]);
  return [...made, { names, owner, fields, references, links }].map((each, n) => ({
    ...each,
    migration: numbered(tree.nextMigration + n),
  }));
}

function numbered(number: number): string {
  if (number > LAST_MIGRATION) throw new Refusal(`There is no number after ${LAST_MIGRATION} for a migration.`);
  return String(number).padStart(3, '0');
}

function ownerOf(given: string): Owner {
  const owner = OWNERS.find((each) => each === given);
  if (owner === undefined) throw new Refusal(`--owner ${given}: it is one of ${OWNERS.join(', ')}.`);
  return owner;
}

function namesFor(plural: string, given?: string, how = 'Say it by --singular <name>.'): Names {
  for (const name of [plural, ...(given === undefined ? [] : [given])])
    if (!KEBAB.test(name) || name.length > LONGEST_NAME)
      throw new Refusal(
        `${name}: a name has lower-case words with hyphens between them, at most ${LONGEST_NAME} characters, as in line-items.`,
      );
  const singular = given ?? singularOf(plural);
  if (singular === undefined) throw new Refusal(`What is one of the ${plural}? ${how}`);
  if (singular === plural)
    throw new Refusal(`One and many of the ${plural} need two names: say another by --singular.`);
  return namesOf(plural, singular);
}

function checkFields(fields: readonly Field[]): void {
  if (fields.every(({ type }) => type.name === 'reference'))
    throw new Refusal('A collection needs a field that refers to nothing: say one, as in --field "title:string".');
  if (fields.length > MOST_FIELDS) throw new Refusal(`More than ${MOST_FIELDS} fields are more than one collection.`);
  const twice = fields.find(({ name }, n) => fields.findIndex((other) => other.name === name) !== n);
  if (twice) throw new Refusal(`The field ${twice.name} is there twice.`);
}

function referenceOf(field: Field, names: Names, known: readonly Known[]): Reference[] {
  const { name, type, optional } = field;
  if (type.name !== 'reference') return [];
  if (type.to === names.collection) {
    if (!optional) throw new Refusal(`The first ${names.one} could not refer to another: make ${name} optional.`);
    const itself = { collection: names.collection, model: names.model, mayBeReferredTo: true };
    return [{ field, onDelete: type.onDelete, target: itself }];
  }
  const target = known.find(({ collection }) => collection === type.to);
  if (!target) throw new Refusal(`The field ${name} refers to ${type.to}, and there is no such collection.`);
  if (!target.mayBeReferredTo) throw new Refusal(`The field ${name}: nothing may refer to documents of ${type.to}.`);
  return [{ field, onDelete: type.onDelete, target, ...(target.resource && { include: name.replace(/Id$/, '') }) }];
}

/** What `--many-to-many` names, and what has to be made of it first. */
function linkedTo(
  given: readonly string[],
  names: Names,
  owner: Owner,
  tree: Tree,
): { known: Known; made?: Omit<Blueprint, 'migration'> }[] {
  if (given.length > 0 && owner === 'none')
    throw new Refusal('--many-to-many: links are made by whom a document belongs to, so it needs an owner.');
  return given.flatMap((name) => {
    if (name === names.url) throw new Refusal(`--many-to-many ${name}: links lead to another collection.`);
    const there = tree.known.find(({ collection }) => collection === name.replaceAll('-', '_'));
    if (there) return [{ known: there }];
    const other = namesFor(name, undefined, 'Make these first, with --singular <name>.');
    checkNames(other, owner, tree);
    const resource = { constant: other.plural, singular: other.singular, file: other.file };
    return [
      {
        known: { collection: other.collection, model: other.model, mayBeReferredTo: true, resource },
        made: { names: other, owner, fields: [fieldOf('name:string unique')], references: [], links: [] },
      },
    ];
  });
}

function linkOf({ singular, model, file }: Names, given: string, known: readonly Known[]): Link {
  const target = known.find((each) => each.collection === given.replaceAll('-', '_'));
  if (!target?.resource || !target.mayBeReferredTo)
    throw new Refusal(`--many-to-many ${given}: that collection has no routes of its own that links could lead to.`);
  const { resource } = target;
  return {
    target: { ...target, resource },
    name: camel(given),
    from: `${singular}Id`,
    to: `${resource.singular}Id`,
    model: `${model}${target.model}`,
    collection: `${file.replaceAll('-', '_')}_${target.collection}`,
    file: `${file}-${resource.file}`,
  };
}

interface Together {
  readonly owner: Owner;
  readonly fields: readonly Field[];
  readonly references: readonly Reference[];
  readonly links: readonly Link[];
}

/** What one command makes has names of its own: models, collections and files alike. */
function checkApart(all: readonly Pick<Names, 'model' | 'collection' | 'file'>[]): void {
  for (const what of ['model', 'collection', 'file'] as const) {
    const twice = firstTwice(all.map(({ [what]: name }) => name));
    if (twice !== undefined)
      throw new Refusal(`Two of what would be made have the ${what} ${twice}: take another name for one of them.`);
  }
}

const firstTwice = (names: readonly string[]): string | undefined => names.find((name, n) => names.indexOf(name) !== n);

/** All names of a document and of its routes are different. */
function checkTogether({ owner, fields, references, links }: Together, tree: Tree): void {
  const used = [
    'id',
    ...[OWNER_PATHS[owner] ?? []].flat(),
    ...fields.map(({ name }) => name),
    ...references.flatMap(({ include }) => include ?? []),
    ...links.flatMap(({ name, to }) => [name, to]),
  ];
  const twice = firstTwice(used);
  if (twice !== undefined) throw new Refusal(`The name ${twice} would stand for two things; call the field otherwise.`);
  const asked = firstTwice([
    ...fields.filter(({ filter }) => filter).flatMap(parametersOf),
    ...links.map(({ to }) => to),
  ]);
  if (asked !== undefined)
    throw new Refusal(
      `Lists would have the parameter ${asked} twice, for two filters; call one of the fields otherwise.`,
    );
  for (const { model, collection, file } of links)
    if (
      tree.known.some((each) => each.model === model || each.collection === collection) ||
      existsSync(join(tree.root, `src/models/${file}.ts`))
    )
      throw new Refusal(`The junction ${collection} is there already.`, { typed: false });
}
