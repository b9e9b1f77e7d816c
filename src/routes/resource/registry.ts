import type { Transaction } from '../../database.ts';
import type { Filter } from '../../models/document.ts';
import type { Caller } from '../../models/document-access.ts';

/** What a reference to a document of another collection asks of that collection. */
interface Readable {
  readonly visibleTo: (caller: Caller, tx?: Transaction) => Promise<Filter | null>;
}

const declared = new Map<string, Readable>();

/** Remembers a resource by its model, for those that refer to it. */
export function declareResource(modelName: string, resource: Readable): void {
  declared.set(modelName, resource);
}

/** The resource of a model; undefined for models that are none, such as `User`. */
export const findResource = (modelName: string): Readable | undefined => declared.get(modelName);
