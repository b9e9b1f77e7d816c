import type { Db, Document } from 'mongodb';
import { collections } from '../collections/index.ts';
import type { ValidatorSchema } from '../collections/validator.ts';

/** Fields that documents have and models do not know, in a random sample of each collection; one readable line each. */
export async function unknownFields(db: Db, sampleSize: number): Promise<string[]> {
  const lines: string[] = [];
  for (const { name, validator } of collections) {
    const found = new Map<string, number>();
    let read = 0;
    for await (const document of db.collection(name).aggregate<Document>([{ $sample: { size: sampleSize } }])) {
      read += 1;
      for (const path of new Set(unknownPaths(document, validator))) found.set(path, (found.get(path) ?? 0) + 1);
    }
    for (const [path, count] of [...found].sort())
      lines.push(`${name}: field ${path} is in ${count} of ${read} documents read, but not in the model`);
  }
  return lines;
}

/** A schema without properties is an object of free form: whatever is below it is known. */
function unknownPaths(value: unknown, schema: ValidatorSchema, prefix = ''): string[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item) => unknownPaths(item, items, prefix));
  }
  const { properties } = schema;
  if (properties === undefined || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    return known === undefined ? [prefix + key] : unknownPaths(child, known, `${prefix}${key}.`);
  });
}
