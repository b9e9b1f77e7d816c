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

/** Gives the collection the validator that `change` makes of its own. */
export async function changeValidator(db, name, change) {
  const [{ options }] = await db.listCollections({ name }).toArray();
  const { $jsonSchema } = options.validator;
  const validator = { $jsonSchema: change(structuredClone($jsonSchema)) };
  await db.command({ collMod: name, validator, validationLevel: 'strict', validationAction: 'error' });
}

/** More values of an enum that a top-level property has; those that are there already stay where they are. */
export const withValues = (property, values) => (schema) => {
  const { enum: known, ...rule } = schema.properties[property];
  const more = values.filter((value) => !known.includes(value));
  return withProperties({ [property]: { ...rule, enum: [...known, ...more] } })(schema);
};

/** Undoes `withValues`: documents that have such a value keep it. */
export const withoutValues = (property, values) => (schema) => {
  const { enum: known, ...rule } = schema.properties[property];
  return withProperties({ [property]: { ...rule, enum: known.filter((value) => !values.includes(value)) } })(schema);
};
