import type { ValidatorSchema } from '../collections/validator.ts';
import { sameRule } from '../schema-check/compare.ts';

interface RuleChange {
  /** With dots where it is nested; `tries[].status` is below the items of an array. */
  readonly path: string;
  /** Undefined where there is none. */
  readonly before: ValidatorSchema | undefined;
  readonly after: ValidatorSchema | undefined;
}

interface ValueChange {
  readonly path: string;
  readonly added: readonly unknown[];
  readonly removed: readonly unknown[];
}

/** What makes one validator of another, in parts that touch different places of it. */
export interface ValidatorChanges {
  readonly rules: RuleChange[];
  readonly values: ValueChange[];
  readonly nowRequired: string[];
  readonly nowOptional: string[];
}

/** What is different between two validators; undefined where only the whole says it. */
export function validatorChanges(before: ValidatorSchema, after: ValidatorSchema): ValidatorChanges | undefined {
  const changes: ValidatorChanges = { rules: [], values: [], nowRequired: [], nowOptional: [] };
  return collect(changes, '', before, after) ? changes : undefined;
}

/** @returns whether the change can be told in parts; if not, nothing of it was collected */
function collect(changes: ValidatorChanges, path: string, before: ValidatorSchema, after: ValidatorSchema): boolean {
  if (sameRule(before, after)) return true;
  if (!isSameButParts(before, after)) return false;
  if (before.items && after.items) return collect(changes, `${path}[]`, before.items, after.items);
  if (before.enum && after.enum) {
    changes.values.push({ path, ...setChange(before.enum, after.enum) });
    return true;
  }
  const prefix = path === '' ? '' : `${path}.`;
  for (const name of new Set([...Object.keys(after.properties ?? {}), ...Object.keys(before.properties ?? {})])) {
    const [old, current] = [ownRule(before, name), ownRule(after, name)];
    const inParts = old && current && collect(changes, prefix + name, old, current);
    if (!inParts) changes.rules.push({ path: prefix + name, before: old, after: current });
  }
  const { added, removed } = setChange(before.required ?? [], after.required ?? []);
  changes.nowRequired.push(...added.map((name) => prefix + name));
  changes.nowOptional.push(...removed.map((name) => prefix + name));
  return true;
}

/** Whether only what has parts of its own differs: properties, items and values of the same kind of rule. */
function isSameButParts(before: ValidatorSchema, after: ValidatorSchema): boolean {
  const [old, current] = [before, after].map(({ properties, items, enum: values, required: _, ...rest }) => ({
    ...rest,
    parts: [properties !== undefined, items !== undefined, values !== undefined],
  }));
  const kinds = [before.properties, before.items, before.enum].filter((part) => part !== undefined);
  return kinds.length === 1 && sameRule(old, current);
}

const ownRule = ({ properties = {} }: ValidatorSchema, name: string): ValidatorSchema | undefined =>
  Object.hasOwn(properties, name) ? properties[name] : undefined;

function setChange<T>(before: readonly T[], after: readonly T[]): { added: T[]; removed: T[] } {
  return {
    added: after.filter((value) => !before.includes(value)),
    removed: before.filter((value) => !after.includes(value)),
  };
}

/** Paths that documents may lack and must not lack any more, those in new objects aside: no document has them. */
export function newlyRequired(before: ValidatorSchema, after: ValidatorSchema, prefix = ''): string[] {
  if (before.items && after.items) return newlyRequired(before.items, after.items, `${prefix.slice(0, -1)}[].`);
  const { added } = setChange(before.required ?? [], after.required ?? []);
  const nested = Object.keys(after.properties ?? {}).flatMap((name) => {
    const [old, current] = [ownRule(before, name), ownRule(after, name)];
    return old && current ? newlyRequired(old, current, `${prefix}${name}.`) : [];
  });
  return [...added.filter((name) => name !== '_id').map((name) => prefix + name), ...nested];
}

const NUMBERS = ['int', 'long', 'double', 'decimal'];

/** As a person writes it: `number` where a server stores the four types it stands for, and no list of nothing. */
export function tidied({ bsonType, required, properties, items, ...rest }: ValidatorSchema): ValidatorSchema {
  const types = [bsonType ?? []].flat();
  const isNumber = NUMBERS.every((type) => types.includes(type)) && types.every((type) => NUMBERS.includes(type));
  const children = Object.entries(properties ?? {}).map(([name, child]) => [name, tidied(child)]);
  return {
    ...(bsonType !== undefined && { bsonType: isNumber ? 'number' : bsonType }),
    ...(required !== undefined && required.length > 0 && { required }),
    ...(properties !== undefined && { properties: Object.fromEntries(children) }),
    ...(items !== undefined && { items: tidied(items) }),
    ...rest,
  };
}
