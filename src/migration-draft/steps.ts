import type { IndexDefinition } from '../collections/define.ts';
import type { ValidatorSchema } from '../collections/validator.ts';
import { sameIndex } from '../schema-check/compare.ts';
import type { CollectionShape } from '../schema-check/shape.ts';
import { DraftError } from './literal.ts';
import { newlyRequired, tidied, type ValidatorChanges, validatorChanges } from './rules.ts';
import { camelCase, type Source } from './source.ts';
import { NARROWED, type Words, wordsOfIndexes, wordsOfRules } from './words.ts';

/** The default that a model gives a path, if it is a plain value. */
export type DefaultOf = (collection: string, path: string) => unknown;

/** What becomes of one collection. */
export interface Steps extends Omit<Words, 'summary'> {
  readonly collection: string;
  readonly kind: 'add' | 'change' | 'retire';
  /** What changes, in a sentence. */
  readonly summary: string;
  /** Statements, in their order. */
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/** A statement, and the one that undoes it, if there is anything to undo. */
type Step = readonly [up: string, down?: string];

const inOrder = (steps: readonly Step[]): { up: string[]; down: string[] } => ({
  up: steps.map(([up]) => up),
  down: steps
    .map(([, down]) => down)
    .filter((down) => down !== undefined)
    .reverse(),
});

/** The definition of an index as migrations have it. */
const written = ({ key, name, unique, ...options }: IndexDefinition) => ({
  key,
  name,
  ...(unique && { unique }),
  ...options,
});

export function newCollection(source: Source, collection: string, { indexes, validator }: CollectionShape): Steps {
  return {
    collection,
    kind: 'add',
    summary: `The collection ${collection} is new.`,
    ...inOrder(creation(source, collection, { indexes, validator })),
    upNotes: [],
    downNotes: [],
  };
}

export function retiredCollection(source: Source, collection: string, shape: CollectionShape): Steps {
  const { up: down, down: up } = inOrder(creation(source, collection, shape));
  return {
    collection,
    kind: 'retire',
    summary: `The collection ${collection} is retired.`,
    up,
    down,
    upNotes: [`Where ${collection} holds documents, they stay, in a collection without rules.`],
    downNotes: [],
  };
}

function creation(source: Source, collection: string, { indexes, validator }: CollectionShape): Step[] {
  const put = (rules: ValidatorSchema): Step => [
    source.call('putCollection', collection, camelCase(collection, 'shape'), tidied(rules)),
    source.call('retireCollection', collection),
  ];
  return [...(validator ? [put(validator)] : []), ...putIndexes(source, collection, 'indexes', indexes)];
}

const putIndexes = (
  source: Source,
  collection: string,
  constant: string,
  indexes: readonly IndexDefinition[],
): Step[] =>
  indexes.length === 0
    ? []
    : [
        [
          source.call('putIndexes', collection, camelCase(collection, constant), indexes.map(written)),
          source.call('dropIndexes', collection, camelCase(collection, constant), indexes.map(written)),
        ],
      ];

/**
 * @returns undefined when nothing is different
 * @throws {DraftError} when a field becomes required and nothing says what documents that lack it shall hold
 */
export function changedCollection(
  source: Source,
  collection: string,
  before: CollectionShape,
  after: CollectionShape,
  defaultOf: DefaultOf,
): Steps | undefined {
  const gone = before.indexes.filter((index) => !after.indexes.some((other) => sameIndex(index, other)));
  const put = after.indexes.filter((index) => !before.indexes.some((other) => sameIndex(index, other)));
  const rules = validatorSteps(source, collection, before, after, defaultOf);
  const dropped = putIndexes(source, collection, 'indexes_before', gone).map(([up, down = '']): Step => [down, up]);
  const steps = [...dropped, ...rules.steps, ...putIndexes(source, collection, 'indexes', put)];
  if (steps.length === 0) return undefined;
  const summary = [...rules.summary, ...wordsOfIndexes(gone, put)];
  return {
    collection,
    kind: 'change',
    ...inOrder(steps),
    ...rules,
    summary: `In ${collection} ${summary.join('; ')}.`,
  };
}

interface RuleSteps extends Words {
  readonly steps: readonly Step[];
}

function validatorSteps(
  source: Source,
  collection: string,
  { validator: before }: CollectionShape,
  { validator: after }: CollectionShape,
  defaultOf: DefaultOf,
): RuleSteps {
  if (before === undefined && after === undefined) return { steps: [], summary: [], upNotes: [], downNotes: [] };
  const shape = camelCase(collection, 'shape');
  const put = (rules: typeof before, constant: string): string =>
    rules === undefined
      ? source.call('removeValidator', collection)
      : source.call('putCollection', collection, constant, tidied(rules));
  const changes = before && after && validatorChanges(tidied(before), tidied(after));
  const filled = before && after ? fillSteps(source, collection, newlyRequired(before, after), defaultOf) : [];
  if (changes === undefined) {
    const step: Step = [put(after, shape), put(before, camelCase(collection, 'shape_before'))];
    return { steps: [...filled, step], summary: ['the validator changes'], upNotes: [NARROWED], downNotes: [NARROWED] };
  }
  return { steps: partSteps(source, collection, changes, filled), ...wordsOfRules(changes) };
}

/** Required is last on both ways: what documents have to hold, they are given before. */
function partSteps(source: Source, collection: string, changes: ValidatorChanges, filled: readonly Step[]): Step[] {
  const { rules, values, nowRequired, nowOptional } = changes;
  const add = (what: string, list: readonly string[], undone: boolean): Step[] => {
    if (list.length === 0) return [];
    const name = camelCase(collection, what);
    const put = source.change('withRequired', collection, name, list);
    const taken = source.change('withoutRequired', collection, name, list);
    return [undone ? [taken, put] : [put, taken]];
  };
  return [
    ...add('optional', nowOptional, true),
    ...ruleSteps(source, collection, rules),
    ...values.flatMap(({ path, added, removed }): Step[] => {
      const change = (helper: 'withValues' | 'withoutValues', what: string, list: readonly unknown[]): string =>
        source.change(helper, collection, camelCase(collection, path, what), path, list);
      return [
        ...(added.length > 0
          ? [[change('withValues', 'added', added), change('withoutValues', 'added', added)] as const]
          : []),
        ...(removed.length > 0
          ? [[change('withoutValues', 'removed', removed), change('withValues', 'removed', removed)] as const]
          : []),
      ];
    }),
    ...filled,
    ...add('required', nowRequired, false),
  ];
}

function ruleSteps(source: Source, collection: string, rules: ValidatorChanges['rules']): Step[] {
  if (rules.length === 0) return [];
  const helper = rules.every(({ path }) => !/[.[]/.test(path)) ? 'withProperties' : 'withRules';
  const fields = Object.fromEntries(rules.map(({ path, after }) => [path, after]));
  const fieldsBefore = Object.fromEntries(rules.map(({ path, before }) => [path, before]));
  return [
    [
      source.change(helper, collection, camelCase(collection, 'fields'), fields),
      source.change(helper, collection, camelCase(collection, 'fields_before'), fieldsBefore),
    ],
  ];
}

function fillSteps(source: Source, collection: string, paths: readonly string[], defaultOf: DefaultOf): Step[] {
  return paths.map((path): Step => {
    const value = path.includes('[]') ? undefined : defaultOf(collection, path);
    if (value === undefined)
      throw new DraftError(
        `${collection}.${path} becomes required, and nothing says what documents that lack it shall hold. Nothing was written. Give the path a plain default of its own type in its model, or leave it optional; or write the migration by hand: npm run migrate:create <name>`,
      );
    return [source.fillIn(collection, path, camelCase(collection, path, 'default'), value)];
  });
}
