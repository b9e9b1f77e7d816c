// Why: a signing key is published days before it signs, so that whoever verifies tokens knows it by then. Keys that are
// there already sign since they were made. What is done to keys is told in the audit trail, which names them.

import { changeValidator } from './lib/validators.js';

const ACTIONS = ['signing-key.created', 'signing-key.retired', 'keyring.rotated'];

export async function up(db) {
  // First, so that no instance of the old build adds a key without the time afterwards.
  await changeValidator(db, 'signing_keys', (schema) => ({
    ...schema,
    required: [...new Set([...schema.required, 'activatesAt'])],
    properties: { ...schema.properties, activatesAt: { bsonType: 'date' } },
  }));
  await db
    .collection('signing_keys')
    .updateMany({ activatesAt: { $exists: false } }, [{ $set: { activatesAt: '$createdAt' } }]);
  await changeValidator(db, 'audit_events', (schema) => {
    const { action, target } = schema.properties;
    action.enum = [...new Set([...action.enum, ...ACTIONS])];
    target.properties.name = { bsonType: 'string', maxLength: 64 };
    return schema;
  });
}

/** The times stay: a key that waits for its own is still not known to everybody. */
export async function down(db) {
  await changeValidator(db, 'audit_events', (schema) => {
    const { action, target } = schema.properties;
    action.enum = action.enum.filter((each) => !ACTIONS.includes(each));
    delete target.properties.name;
    return schema;
  });
  await changeValidator(
    db,
    'signing_keys',
    ({ required, properties: { activatesAt: _, ...properties }, ...schema }) => ({
      ...schema,
      required: required.filter((each) => each !== 'activatesAt'),
      properties,
    }),
  );
}
