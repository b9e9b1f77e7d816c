// Changes to the documents of a collection. Safe to repeat, and as frozen as shape.js.

/**
 * Gives a value to each document that lacks one; of those without the object that the path lies in, to none. A document
 * that breaks another rule has been there before it, and must not stop the migration of all others.
 */
export async function fillIn(db, name, path, value) {
  const holder = path.slice(0, Math.max(0, path.lastIndexOf('.')));
  const lacking = { ...(holder && { [holder]: { $exists: true } }), [path]: { $exists: false } };
  const update = { $set: { [path]: value } };
  await db.collection(name).updateMany(lacking, update, { bypassDocumentValidation: true });
}
