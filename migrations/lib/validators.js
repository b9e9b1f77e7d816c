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

/** `tries[]` is what the items of an array have to be. */
const below = (rule, name) => (name.endsWith('[]') ? below(rule, name.slice(0, -2)).items : rule.properties[name]);

/** The rule that stands at a path, such as `actor.type` or `tries[].failure`. */
const ruleAt = (schema, path) => path.split('.').reduce(below, schema);

/** The rule of the object that a path lies in, and the path's name there. */
function placeAt(schema, path) {
  const dot = path.lastIndexOf('.');
  return [dot < 0 ? schema : ruleAt(schema, path.slice(0, dot)), path.slice(dot + 1)];
}

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

/**
 * As `withProperties`, at any depth.
 * @param rules path → rule, such as `{ 'actor.name': { bsonType: 'string' } }`
 */
export const withRules = (rules) => (schema) => {
  for (const [path, rule] of Object.entries(rules)) {
    const [holder, name] = placeAt(schema, path);
    Object.assign(holder, withProperties({ [name]: rule })(holder));
  }
  return schema;
};

/** Paths that have to be there from now on, as far as the object is that they lie in. */
export const withRequired = (paths) => (schema) => {
  for (const path of paths) {
    const [holder, name] = placeAt(schema, path);
    holder.required = [...new Set([...(holder.required ?? []), name])];
  }
  return schema;
};

/** Undoes `withRequired`. */
export const withoutRequired = (paths) => (schema) => {
  for (const path of paths) {
    const [holder, name] = placeAt(schema, path);
    holder.required = (holder.required ?? []).filter((each) => each !== name);
    // Servers refuse a list of nothing.
    if (holder.required.length === 0) delete holder.required;
  }
  return schema;
};

/** Gives the collection the validator that `change` makes of its own. */
export async function changeValidator(db, name, change) {
  const [{ options }] = await db.listCollections({ name }).toArray();
  const { $jsonSchema } = options.validator;
  const validator = { $jsonSchema: change(structuredClone($jsonSchema)) };
  await db.command({ collMod: name, validator, validationLevel: 'strict', validationAction: 'error' });
}
