import { readdir } from 'node:fs/promises';
import mongoose from 'mongoose';
import { collections } from '../collections/index.ts';

const MODELS = new URL('../models/', import.meta.url);

/** Sources, or what they were compiled to; no declarations and no maps. */
const MODULE = /(?<!\.d)\.[jt]s$/;

/**
 * Models that the list of collections lacks, one readable line each. All files of models are loaded for that: one that
 * nothing imports yet is found too.
 */
export async function unlistedModels(): Promise<string[]> {
  for (const file of await readdir(MODELS)) if (MODULE.test(file)) await import(new URL(file, MODELS).href);
  const listed = new Set(collections.map(({ model }) => model.modelName));
  return mongoose
    .modelNames()
    .filter((name) => !listed.has(name))
    .sort()
    .map(
      (name) => `${mongoose.model(name).collection.collectionName}: the model ${name} is not listed in src/collections`,
    );
}
