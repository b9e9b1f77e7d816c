import type { TSchema } from 'typebox';
import type { StoredModel } from '../../collections/define.ts';
import { isAdminRule } from '../../lib/access-rules.ts';
import { and } from '../../models/document.ts';
import { type Caller, filterOf } from '../../models/document-access.ts';
import { LIVE } from '../../models/life.ts';
import type { App } from '../../types/fastify.ts';
import { checkDeclaration } from './check.ts';
import { collectionOf, junctionsOf } from './collection.ts';
import {
  type Beside,
  OPERATIONS,
  type Operation,
  type Plan,
  type Resource,
  type ResourceOptions,
  type Routes,
} from './declaration.ts';
import { includedFields, projectionOf } from './field-reach.ts';
import { linkListRoute, linkPlans, linkRoutes, pageOf } from './links.ts';
import { audiencesOf, pathOf, planOf, pluralOf } from './plan.ts';
import { listRoute, readRoute } from './reading.ts';
import { declareResource } from './registry.ts';
import { isPublic, tagOf } from './route.ts';
import { sampleOf } from './sample.ts';
import { shower } from './show.ts';
import { createRoute, deleteRoute, restoreRoute, updateRoute } from './writing.ts';

type Named = TSchema & { readonly $id: string };

const REGISTER: Readonly<Record<Operation, (app: App, plan: Plan) => void>> = {
  list: listRoute,
  read: readRoute,
  create: createRoute,
  update: updateRoute,
  delete: deleteRoute,
  restore: restoreRoute,
};

/**
 * Turns a model and its wire schemas into a collection with routes that have what all routes here have: pages by key,
 * listed filters and sorts, ETags, idempotency, problem details, audit, journal, soft delete, retention, export and
 * erasure, and their place in the OpenAPI document. `collections/index.ts` lists what this gives.
 * @throws Error at once for a declaration that could not be kept
 */
export function resource<D>(declared: ResourceOptions<D>): Resource {
  const options = declared as unknown as ResourceOptions<never>;
  const { modelName } = options.model;
  const audiences = audiencesOf(options.access);
  let made: readonly Plan[] | undefined;
  // Relations may lead in a circle, so what they lead to is asked for when all are declared.
  const plans = (): readonly Plan[] => {
    made ??= audiences.map((audience) => planOf(options, audience, audiences.length > 1));
    return made;
  };
  const visibleTo: Resource['visibleTo'] = async (caller: Caller, tx) => {
    const rule = audiences.find(({ kind }) => kind === 'own')?.rules.read;
    if (rule === undefined || isAdminRule(rule)) return null;
    const filter = await filterOf(rule, caller, tx && { tx });
    return filter && and(filter, LIVE);
  };
  declareResource(modelName, { visibleTo });
  const own = () => plans().find(({ kind }) => kind === 'own') ?? plans()[0];
  return {
    modelName,
    name: options.name,
    plural: pluralOf(options),
    path: pathOf(options),
    viewId: options.schemas.id,
    get plans() {
      return plans();
    },
    visibleTo,
    tag: { name: tagOf({ plural: pluralOf(options) }), description: options.purpose },
    models: modelsOf(options),
    get collections() {
      checkDeclaration(options, plans());
      return [collectionOf(options, plans()), ...junctionsOf(options)];
    },
    get schemas() {
      return [...plans().flatMap(schemasOf), ...(options.named ?? [])];
    },
    projectionFor: async (caller) => {
      const plan = own();
      return plan ? projectionOf(plan, await includedFields(plan, caller)) : { _id: 1 };
    },
    show: (document) => {
      const plan = own();
      return plan ? shower(plan.view, plan.notStored)(document) : {};
    },
    sample: (unique) => sampleOf(options, plans(), unique),
    scopes: scopesOf(plans, options.beside),
  };
}

const modelsOf = ({ model, include = {} }: ResourceOptions<never>): StoredModel[] => [
  model,
  ...Object.values(include).flatMap((relation) => (relation.kind === 'links' ? [relation.through] : [])),
];

/** Those that it gives a name, each once. */
function schemasOf(plan: Plan): Named[] {
  const links = linkPlans(plan).map(pageOf);
  return [
    plan.view,
    ...(plan.rules.list ? [plan.page] : []),
    ...(plan.rules.create ? [plan.create] : []),
    ...(plan.rules.update ? [plan.patch] : []),
    ...links,
  ];
}

function scopesOf(plans: () => readonly Plan[], beside: Beside = {}): Resource['scopes'] {
  const routes =
    (wanted: (plan: Plan, operation: Operation) => boolean, more?: Routes): Routes =>
    async (app) => {
      for (const plan of plans())
        for (const operation of OPERATIONS)
          if (plan.rules[operation] && wanted(plan, operation)) {
            REGISTER[operation](app, plan);
            if (operation === 'read') for (const links of linkPlans(plan)) linkListRoute(app, links);
            if (operation === 'update') for (const links of linkPlans(plan)) linkRoutes(app, links);
          }
      await more?.(app);
    };
  return {
    public: routes((plan, operation) => plan.kind === 'own' && isPublic(plan, operation), beside.public),
    'signed-in': routes((plan, operation) => plan.kind === 'own' && !isPublic(plan, operation), beside['signed-in']),
    admin: routes(({ kind }) => kind === 'admin', beside.admin),
  };
}
