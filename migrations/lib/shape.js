// What every migration does to the shape of a database, each step safe to repeat: a migration that was killed midway
// runs again from its start. Applied migrations rely on these functions, so their behaviour is frozen: a new need gets
// a new function.

const NAMESPACE_NOT_FOUND = 26;
const INDEX_NOT_FOUND = 27;
const NAMESPACE_EXISTS = 48;

const ignoring = async (work, ...codes) => {
  try {
    await work();
  } catch (error) {
    if (!codes.includes(error.code)) throw error;
  }
};

/** Creates the collection with this validator, or gives it to the one that stands. */
export async function putCollection(db, name, $jsonSchema) {
  const rules = { validator: { $jsonSchema }, validationLevel: 'strict', validationAction: 'error' };
  await ignoring(() => db.createCollection(name), NAMESPACE_EXISTS);
  await db.command({ collMod: name, ...rules });
}

/**
 * Undoes `putCollection` without destroying a document: an empty collection goes, one that holds anything only loses
 * its validator. Whoever undoes one migration too many has lost no account by it.
 */
export async function retireCollection(db, name) {
  const document = await db.collection(name).findOne({}, { projection: { _id: 1 } });
  if (document === null) await ignoring(() => db.collection(name).drop(), NAMESPACE_NOT_FOUND);
  else await db.command({ collMod: name, validator: {}, validationLevel: 'off' });
}

/** @param indexes `[{ key, name, unique?, expireAfterSeconds? }]`; one that stands as it should is left alone */
export async function putIndexes(db, name, indexes) {
  for (const { key, ...options } of indexes) await db.collection(name).createIndex(key, options);
}

export async function dropIndexes(db, name, indexes) {
  for (const index of indexes)
    await ignoring(() => db.collection(name).dropIndex(index.name), NAMESPACE_NOT_FOUND, INDEX_NOT_FOUND);
}

/** Takes the validator of a collection away, and leaves all else. */
export async function removeValidator(db, name) {
  await db.command({ collMod: name, validator: {}, validationLevel: 'off' });
}
