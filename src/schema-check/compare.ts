import type { IndexDefinition } from '../collections/define.ts';
import type { CollectionShape, Shape } from './shape.ts';

const NUMBERS = ['int', 'long', 'double', 'decimal'];
/** Keywords whose value is a set, or one member of it. */
const SETS = new Set(['required', 'enum', 'bsonType']);

const text = (value: unknown): string => JSON.stringify(value);

/** What is different, one readable line each; empty when nothing is. */
export function differences(expected: Shape, actual: Shape): string[] {
  const missing = [...expected.keys()].filter((name) => !actual.has(name));
  const extra = [...actual.keys()].filter((name) => !expected.has(name));
  const both = [...expected].flatMap(([name, shape]) => {
    const other = actual.get(name);
    return other === undefined ? [] : collectionDifferences(shape, other).map((line) => `${name}: ${line}`);
  });
  return [
    ...missing.map((name) => `${name}: the collection is missing`),
    ...extra.map((name) => `${name}: the collection is there, but nothing declares it`),
    ...both,
  ];
}

/** What came (+), went (-) or became another (~) between two states of a database, one readable line each. */
export function changes(before: Shape, after: Shape): string[] {
  const [old, current] = [parts(before), parts(after)];
  return [
    ...[...current].filter(([part]) => !old.has(part)).map(([part]) => `+ ${part}`),
    ...[...old].filter(([part]) => !current.has(part)).map(([part]) => `- ${part}`),
    ...[...current].filter(([part, value]) => old.has(part) && old.get(part) !== value).map(([part]) => `~ ${part}`),
  ];
}

const parts = (shape: Shape): Map<string, string> =>
  new Map(
    [...shape].flatMap(([name, { indexes, validator }]): [string, string][] => [
      [`collection ${name}`, ''],
      ...indexes.map((index): [string, string] => [`index ${name}.${index.name}`, text(index)]),
      ...(validator ? [[`validator of ${name}`, text(validator)] as [string, string]] : []),
    ]),
  );

function collectionDifferences(expected: CollectionShape, actual: CollectionShape): string[] {
  return [...indexDifferences(expected.indexes, actual.indexes), ...validatorDifferences(expected, actual)];
}

function indexDifferences(expected: readonly IndexDefinition[], actual: readonly IndexDefinition[]): string[] {
  const present = new Map(actual.map((index) => [index.name, index]));
  const wanted = new Map(expected.map((index) => [index.name, index]));
  return [
    ...expected.flatMap((index) => {
      const other = present.get(index.name);
      return other === undefined
        ? [`index ${index.name} on ${text(index.key)} is missing`]
        : indexChanges(index, other);
    }),
    ...actual
      .filter(({ name }) => !wanted.has(name))
      .map(({ name, key }) => `index ${name} on ${text(key)} is there, but nothing declares it`),
  ];
}

/** Whether two indexes have the same name and do the same. */
export const sameIndex = (one: IndexDefinition, other: IndexDefinition): boolean =>
  one.name === other.name && indexChanges(one, other).length === 0;

function indexChanges(expected: IndexDefinition, actual: IndexDefinition): string[] {
  const properties = ['key', 'unique', 'expireAfterSeconds', 'sparse', 'partialFilterExpression'] as const;
  return properties
    .filter((property) => text(expected[property]) !== text(actual[property]))
    .map(
      (property) =>
        `index ${expected.name}: ${property} is ${shown(actual[property])}, must be ${shown(expected[property])}`,
    );
}

function validatorDifferences(
  { validator: expected }: CollectionShape,
  { validator: actual }: CollectionShape,
): string[] {
  if (expected === undefined && actual === undefined) return [];
  if (actual === undefined) return ['the validator is missing or switched off'];
  if (expected === undefined) return ['a validator is there, but nothing declares it'];
  return valueDifferences('', expected, actual).map((line) => `validator${line}`);
}

/** Whether two rules of a validator, or parts of them, demand the same. */
export const sameRule = (one: unknown, other: unknown): boolean => valueDifferences('', one, other).length === 0;

/** Recursive, so that a difference is told at its own path and not as two whole schemas. */
function valueDifferences(path: string, expected: unknown, actual: unknown): string[] {
  const keyword = path.slice(path.lastIndexOf('.') + 1);
  if (SETS.has(keyword) && !isRecord(expected) && !isRecord(actual)) return setDifferences(path, expected, actual);
  if (!isRecord(expected) || !isRecord(actual))
    return text(expected) === text(actual) ? [] : [`${path} is ${shown(actual)}, must be ${shown(expected)}`];
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].flatMap((key) => valueDifferences(`${path}.${key}`, expected[key], actual[key]));
}

function setDifferences(path: string, expected: unknown, actual: unknown): string[] {
  const [wanted, present] = [members(expected), members(actual)];
  const lacks = wanted.filter((member) => !present.includes(member));
  const has = present.filter((member) => !wanted.includes(member));
  return [
    ...(lacks.length > 0 ? [`${path} lacks ${lacks.join(', ')}`] : []),
    ...(has.length > 0 ? [`${path} has ${has.join(', ')} too many`] : []),
  ];
}

/** Engines store `number` as it was given, or as the four types that it stands for. */
const members = (value: unknown): string[] =>
  [value ?? []]
    .flat()
    .flatMap((member) => (member === 'number' ? NUMBERS : [member]))
    .map(text);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string => (value === undefined ? 'absent' : text(value));
