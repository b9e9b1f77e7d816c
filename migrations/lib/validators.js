// Changes to a part of a validator, for migrations that must not know the rest of it: whatever another one has added is
// still there afterwards. Safe to repeat, and as frozen as shape.js.

/**
 * The rules of single properties, others left as they are; `undefined` takes a property out.
 * @param rules name → rule, such as `{ count: { bsonType: 'number' } }`
 */
export const withProperties = (rules) => (schema) => ({
  ...schema,
  properties: Object.fromEntries(
    Object.entries({ ...schema.properties, ...rules }).filter(([, rule]) => rule !== undefined),
  ),
});

/** The rule that stands at a path, such as `actor.type`. */
const ruleAt = (schema, path) => path.split('.').reduce((rule, name) => rule.properties[name], schema);

/** More values for a property whose values are listed; whatever another migration has added stays. */
export const withValues = (path, values) => (schema) => {
  const rule = ruleAt(schema, path);
  rule.enum = [...new Set([...rule.enum, ...values])];
  return schema;
};

/** Undoes `withValues`. */
export const withoutValues = (path, values) => (schema) => {
  const rule = ruleAt(schema, path);
  rule.enum = rule.enum.filter((value) => !values.includes(value));
  return schema;
};

/** Gives the collection the validator that `change` makes of its own. */
export async function changeValidator(db, name, change) {
  const [{ options }] = await db.listCollections({ name }).toArray();
  const { $jsonSchema } = options.validator;
  const validator = { $jsonSchema: change(structuredClone($jsonSchema)) };
  await db.command({ collMod: name, validator, validationLevel: 'strict', validationAction: 'error' });
}
