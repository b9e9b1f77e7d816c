import type { Schema, Types } from 'mongoose';
import type { TSchema } from 'typebox';
import type { Keyring } from '../lib/keyring.ts';
import { keepJournal } from '../models/journaling.ts';
import { markedPaths, sensitivePaths } from '../models/sensitive.ts';
import { type ValidatorSchema, validatorOf } from './validator.ts';

/** What a collection needs of its model, whatever the type of its documents. */
export interface StoredModel {
  readonly modelName: string;
  readonly schema: Schema;
  readonly collection: { readonly collectionName: string };
}

/** Path → its rule, in words that stand in the schema document. */
type Fields = Readonly<Record<string, string>>;

interface Relation {
  /** The path that holds the other's id. */
  readonly path: string;
  /** The collection it points to. */
  readonly to: string;
  /** How many of these there are for one of those. */
  readonly many: boolean;
  /** What the two are to each other, as a verb from the other's point of view: `users` "signs in by" `sessions`. */
  readonly verb: string;
  /** What becomes of these when the other goes. */
  readonly onDelete: string;
}

/** A document as it was read. */
type Stored = Readonly<Record<string, unknown>> & { readonly _id: Types.ObjectId };

interface Declaration {
  readonly model: StoredModel;
  /** What it holds, and why it exists. */
  readonly purpose: string;
  /** Stored paths that the owner sees on the wire, by the same name. */
  readonly public: Fields;
  /** Stored paths that only an admin's view shows. */
  readonly admin: Fields;
  /** Stored paths that never leave the service. */
  readonly private: Fields;
  /** Stored paths that go into the archive of a person's data, for what belongs to a person. None unless given. */
  readonly archived?: readonly string[];
  /** What of its sensitive paths goes into that archive, in their place. Without it nothing of them does. */
  readonly opened?: (keyring: Keyring, document: Stored) => object;
  /** On the wire without being stored under that name. */
  readonly computed: Fields;
  /** Index name → what it serves. */
  readonly indexes: Fields;
  readonly relations: readonly Relation[];
  /** Enum name → its values; each enum of the model is one of these or one of another collection's. */
  readonly enums: Readonly<Record<string, readonly string[]>>;
  /** When a document goes, and by what. */
  readonly retention: string;
  /** Why backups leave it out; they hold whatever does not say so. */
  readonly notBackedUp?: string;
  /**
   * Why its changes leave no image in the journal, so that a restored database has it as of the backup; those of
   * whatever does not say so do.
   */
  readonly notJournaled?: string;
  /** Its views on the wire, each a named object schema. */
  readonly wire: readonly (TSchema & { readonly $id: string })[];
}

export interface IndexDefinition {
  readonly name: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique: boolean;
  /** Of a TTL index. */
  readonly expireAfterSeconds?: number;
  readonly sparse?: boolean;
  readonly partialFilterExpression?: unknown;
}

export interface Collection extends Declaration {
  readonly name: string;
  /** Stored path, with dots where it is nested → when it is opened: what the model marks as sensitive. */
  readonly encrypted: Fields;
  /** Stored path → how it is kept: what the model says of other secrets. */
  readonly kept: Fields;
  readonly archived: readonly string[];
  /** As the model has them; a migration makes them. */
  readonly indexDefinitions: readonly IndexDefinition[];
  /** As the model has it; a migration sets it. */
  readonly validator: ValidatorSchema;
}

/** Declares a collection. Whatever goes over all data (schema document, drift check) goes by these declarations. */
export function defineCollection(declaration: Declaration): Collection {
  const { schema, collection } = declaration.model;
  const { notJournaled, relations } = declaration;
  const journaled = notJournaled === undefined;
  const name = collection.collectionName;
  if (journaled) keepJournal({ collection, name, accountPaths: pathsTo('users', relations) });
  return Object.freeze({
    ...declaration,
    name,
    private: { ...declaration.private, ...(journaled && REVISION_TEXT) },
    encrypted: sensitivePaths(schema),
    kept: markedPaths(schema, 'kept'),
    archived: declaration.archived ?? [],
    indexDefinitions: schema.indexes().map(([key, options]) => indexDefinition({ ...options, key })),
    validator: journaled ? withRevision(validatorOf(schema)) : validatorOf(schema),
  });
}

const REVISION_TEXT = {
  journalRevision:
    'Counts its changes, for the journal, from the time when it was made. Absent until the first that is journaled.',
};

const pathsTo = (collection: string, relations: readonly Relation[]): string[] =>
  relations.flatMap(({ to, path }) => (to === collection ? [path] : []));

/** The journal keeps its count in the documents, whatever their model. */
export const withRevision = (validator: ValidatorSchema): ValidatorSchema => ({
  ...validator,
  properties: { ...validator.properties, journalRevision: { bsonType: 'number' } },
});

/** An index as a model, a migration or a server describes it, reduced to what changes its effect. */
export function indexDefinition(index: Readonly<Record<string, unknown>>): IndexDefinition {
  const { name, key, unique, expireAfterSeconds, sparse, partialFilterExpression } = index;
  return {
    name: String(name),
    key: key as Record<string, unknown>,
    unique: unique === true,
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds: Number(expireAfterSeconds) }),
    ...(sparse === true && { sparse }),
    ...(partialFilterExpression !== undefined && { partialFilterExpression }),
  };
}
