import { documentModel } from '../../models/document.ts';
import type { Plan, ResourceOptions } from './declaration.ts';
import { propertiesOf } from './plan.ts';

/** A body that makes one: the declared example, with a value of its own wherever one has to be unique. */
export function sampleOf(
  { schemas, model }: ResourceOptions<never>,
  plans: readonly Plan[],
  unique: string,
): Record<string, unknown> {
  const { schema } = documentModel(model.modelName);
  const creating = plans.find(({ rules }) => rules.create);
  const taken = (name: string) => creating === undefined || name in propertiesOf(creating.create);
  const paths = schema.indexes().flatMap(([key, options]) => (options.unique ? Object.keys(key) : []));
  return Object.fromEntries(
    Object.entries(schemas.example)
      .filter(([name]) => taken(name))
      .map(([name, value]) => [
        name,
        paths.includes(name)
          ? ofItsOwn(value, unique, (schemas.fields[name] as { maxLength?: number }).maxLength)
          : value,
      ]),
  );
}

/** The end of a text tells one from another, so that is what is left of one that gets too long. */
function ofItsOwn(value: unknown, unique: string, maxLength = Number.POSITIVE_INFINITY): unknown {
  if (typeof value === 'string') return distinct(value, unique).slice(-maxLength);
  if (typeof value !== 'number') return value;
  return [...unique].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_000_007, 0);
}

/** An address stays one. */
const distinct = (value: string, unique: string): string =>
  value.includes('@') ? value.replace('@', `-${unique}@`) : `${value}-${unique}`;
