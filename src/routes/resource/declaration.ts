import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import type { TSchema } from 'typebox';
import type { Collection, StoredModel } from '../../collections/define.ts';
import type { Config } from '../../config.ts';
import type { Transaction } from '../../database.ts';
import type { ErrorCode } from '../../errors.ts';
import type { AdminRule, OwnRule, Rule } from '../../lib/access-rules.ts';
import type { Keyring } from '../../lib/keyring.ts';
import type { AuditOrigin } from '../../models/audit-event.ts';
import type { DocumentModel, Filter, StoredDocument } from '../../models/document.ts';
import type { Caller } from '../../models/document-access.ts';
import type { Lists } from '../../models/document-list.ts';
import type { WireSchemas } from '../../schemas/resource.ts';
import type { App, Dependencies } from '../../types/fastify.ts';
import type { FieldRules } from './fields.ts';

type Named = TSchema & { readonly $id: string };

export const OPERATIONS = ['list', 'read', 'create', 'update', 'delete', 'restore'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Who may read and write one field, besides what the operation asks for. */
export interface FieldAccess {
  readonly read?: Rule | readonly Rule[];
  readonly write?: Rule | readonly Rule[];
}

/** What may be included with documents: a resource is one; others can be described. */
export interface Includable {
  readonly modelName: string;
  /** The name of their view among the schemas. */
  readonly viewId: string;
  /** Which of them somebody may see; `null` for none. */
  readonly visibleTo: (caller: Caller, tx?: Transaction) => Promise<Filter | null>;
  /** The stored paths of them that somebody may see. */
  readonly projectionFor: (caller: Caller) => Promise<Filter>;
  readonly show: (document: StoredDocument, keyring: Keyring) => unknown;
}

/** Documents that these refer to by a path. */
interface ParentRelation {
  readonly kind: 'parent';
  readonly path: string;
  readonly of: () => Includable;
}

/** Documents that these are linked to by a junction. */
export interface LinkRelation {
  readonly kind: 'links';
  readonly through: StoredModel;
  readonly from: string;
  readonly to: string;
  readonly of: () => Includable;
  /** The junction’s own fields, on the wire. */
  readonly fields: Readonly<Record<string, TSchema>>;
}

export type RelationToInclude = ParentRelation | LinkRelation;

/** What a step of a change is told. */
export interface Step<D> {
  readonly tx: Transaction;
  readonly origin: AuditOrigin;
  readonly caller: Caller;
  readonly document: D;
  readonly deps: Dependencies;
  readonly config: Config;
}

/** Steps of the model’s own, in the transaction of a change and after it was made: what they throw undoes it. */
export interface Steps<D> {
  /** Gives the values of a new document that its client does not. */
  readonly fill?: (values: Readonly<Record<string, unknown>>, caller: Caller) => Record<string, unknown>;
  readonly created?: (step: Step<D>) => Promise<void>;
  readonly updated?: (step: Step<D> & { readonly changes: readonly string[] }) => Promise<void>;
  readonly deleted?: (step: Step<D>) => Promise<void>;
  readonly restored?: (step: Step<D>) => Promise<void>;
}

export interface ResourceOptions<D> {
  /** Mongoose's; its documents have `LIFE_FIELDS`. */
  readonly model: StoredModel;
  /** One of them, in camel case: `note`, `lineItem`. */
  readonly name: string;
  /** Several of them; with an `s` unless given. */
  readonly plural?: string;
  /** Below `/v1`; of the plural unless given. `/teams/:teamId/projects` nests: the parameter is a path of the model. */
  readonly path?: string;
  /** What the collection holds, and why it exists. */
  readonly purpose: string;
  readonly schemas: WireSchemas;
  /**
   * Who may do what. Of several rules each makes a route: those about documents below `/v1`, one of a role or a
   * permission below `/v1/admin`. What is not named is not offered.
   */
  readonly access: Partial<Readonly<Record<Operation, Rule | readonly Rule[]>>>;
  readonly fields?: Readonly<Record<string, FieldAccess>>;
  /** Paths that lists may be filtered by: a Date by `…After` and `…Before`, everything else by its value. */
  readonly filters?: readonly string[];
  /** Paths, all required, that lists may be ordered by. */
  readonly sorts?: readonly string[];
  readonly include?: Readonly<Record<string, RelationToInclude>>;
  /** Stored paths that never leave the service → why they are there. */
  readonly private?: Readonly<Record<string, string>>;
  /** Index name → what it serves, where its name does not tell. */
  readonly indexes?: Readonly<Record<string, string>>;
  readonly enums?: Readonly<Record<string, readonly string[]>>;
  /** `hard`: removed at once, for what nothing refers to. Otherwise it can be restored for a time. */
  readonly removal?: 'soft' | 'hard';
  /** When a document goes, and by what, where that is not the rule of all domain collections. */
  readonly retention?: string;
  readonly steps?: Steps<D>;
  /** What steps, hooks and handlers of one's own throw, for the documentation. */
  readonly problems?: Partial<Readonly<Record<Operation, readonly ErrorCode[]>>>;
  /** Options of Fastify for a generated route: hooks, `config`, a handler of one's own. */
  readonly routes?: Partial<Readonly<Record<Operation, RouteOptions>>>;
  /** Schemas that routes of one’s own refer to. */
  readonly named?: readonly (TSchema & { readonly $id: string })[];
  /** Routes beside the generated ones, by who may call them. */
  readonly beside?: Beside;
}

interface RouteOptions extends Omit<RouteShorthandOptions, 'schema'> {
  readonly handler?: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

export type Routes = (app: App) => Promise<void>;

/** Plain Fastify, in the scope that guards it. */
export interface Beside {
  readonly public?: Routes;
  readonly 'signed-in'?: Routes;
  readonly admin?: Routes;
}

/** Whoever may do the same, with the same view. */
export interface Audience {
  readonly kind: 'own' | 'admin';
  readonly rules: Partial<Readonly<Record<Operation, OwnRule | AdminRule>>>;
}

/** All that the routes of one audience are made of, worked out once. */
export interface Plan extends Audience {
  readonly model: DocumentModel;
  readonly collection: string;
  readonly options: ResourceOptions<never>;
  readonly plural: string;
  readonly path: string;
  /** Parameters of the path besides the id: paths of the model. */
  readonly nested: readonly string[];
  readonly view: Named;
  readonly page: Named;
  readonly create: Named;
  readonly patch: Named;
  readonly lists: Lists;
  readonly reads: FieldRules;
  readonly creates: FieldRules;
  readonly updates: FieldRules;
  /** Stored paths that the view needs. */
  readonly projection: Filter;
  readonly include: Readonly<Record<string, RelationToInclude>>;
  /** Properties of the view that `include` adds. */
  readonly notStored: readonly string[];
}

/** A domain collection with its routes: what `collections/index.ts` lists. */
export interface Resource extends Includable {
  readonly show: (document: StoredDocument) => unknown;
  readonly modelName: string;
  /** Its own model, and those of its junctions. */
  readonly models: readonly StoredModel[];
  /** Their collections. */
  readonly collections: readonly Collection[];
  readonly name: string;
  readonly plural: string;
  readonly path: string;
  readonly tag: { readonly name: string; readonly description: string };
  /** Those that the OpenAPI document names. */
  readonly schemas: readonly (TSchema & { readonly $id: string })[];
  /** What each audience may do, with all that follows from it. */
  readonly plans: readonly Plan[];
  /** Routes by the scope that guards them. */
  readonly scopes: Readonly<Required<Beside>>;
  /** A valid body that makes one, but for what it refers to; `unique` tells one from another. */
  readonly sample: (unique: string) => Record<string, unknown>;
}
