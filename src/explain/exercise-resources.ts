import { randomUUID } from 'node:crypto';
import { documentModel, findDocument } from '../models/document.ts';
import { toId } from '../models/ids.ts';
import { relationsOf } from '../models/relations.ts';
import type { Operation, Plan, Resource } from '../routes/resource/declaration.ts';
import { linkPlans } from '../routes/resource/links.ts';
import { listsDeleted, teamParameter } from '../routes/resource/plan.ts';
import { ROUTES } from '../routes/resource/route.ts';
import type { Exercise, Person, Scene } from './scene.ts';

type Values = Readonly<Record<string, unknown>>;

/** A document that a person has made, with where it is. */
interface Made {
  readonly as: Person;
  readonly id: string;
  /** Where lists of its kind are, below `/v1` or `/v1/admin`. */
  readonly list: string;
  /** Where it is for whoever made it. */
  readonly url: string;
  /** Of what it refers to. */
  readonly ids: Values;
}

const find = (resources: readonly Resource[], modelName: string): Resource | undefined =>
  resources.find((each) => each.modelName === modelName);

/** The path of a list with the ids of a document in the place of its parameters. */
const listOf = ({ path, nested }: Pick<Plan, 'path' | 'nested'>, values: Values): string =>
  nested.reduce((url, name) => url.replace(`:${name}`, String(values[name])), path);

/** What making a document takes of a scene. */
export type Maker = Pick<Scene, 'person' | 'admin' | 'prepare'>;

/** Who makes documents by the rules of a plan. */
const whoFor = (scene: Maker, plan: Plan): Promise<Person> => (plan.kind === 'admin' ? scene.admin() : scene.person());

/** Makes what a document refers to first, as the same person. Accounts and teams come with the person. */
async function references(
  scene: Maker,
  resources: readonly Resource[],
  { options }: Plan,
  as: Person,
): Promise<Values> {
  const ids: Record<string, unknown> = {};
  for (const { path, parentName } of relationsOf(options.model.modelName)) {
    // The first of its kind can refer to no other.
    if (parentName === options.model.modelName) continue;
    const parent = find(resources, parentName);
    if (parentName === 'User') ids[path] = as.id;
    else if (parent) ids[path] = (await makeDocument(scene, resources, parent, as)).id;
  }
  return ids;
}

const writable = (values: Values, plan: Plan): Values => {
  const { properties } = plan.create as unknown as { properties: object };
  return Object.fromEntries(Object.entries(values).filter(([name]) => name in properties));
};

/** Makes a document by the route of whoever may. @throws when nobody may */
export async function makeDocument(
  scene: Maker,
  resources: readonly Resource[],
  resource: Resource,
  by?: Person,
): Promise<Made> {
  const plan = resource.plans.find(({ rules }) => rules.create);
  if (!plan) throw new Error(`nobody makes ${resource.plural} by a route`);
  // What nobody but administration makes, it makes for others to refer to.
  const as = by !== undefined && plan.kind === 'own' ? by : await whoFor(scene, plan);
  const ids = await references(scene, resources, plan, as);
  const body = { ...resource.sample(randomUUID().slice(0, 8)), ...writable(ids, plan) };
  const list = listOf(plan, ids);
  const url = `${prefixOf(plan)}${list}`;
  const { id } = (await scene.prepare({ method: 'POST', url, as, body })).json();
  return { as, id, list, url: `${url}/${id}`, ids };
}

const prefixOf = ({ kind }: Pick<Plan, 'kind'>): string => (kind === 'admin' ? '/v1/admin' : '/v1');

/** A document and somebody for whom the routes of that plan work. */
async function setUp(scene: Scene, resources: readonly Resource[], resource: Resource, plan: Plan) {
  const made = await makeDocument(scene, resources, resource);
  const as = plan.kind === 'admin' ? await scene.admin() : made.as;
  const list = `${prefixOf(plan)}${made.list}`;
  return { ...made, as, maker: made.as, list, url: `${list}/${made.id}` };
}

/** What a list takes besides pages: each filter by a value that the document has, each order, what it includes. */
async function queriesOf(plan: Plan, resource: Resource, id: string): Promise<Record<string, string>[]> {
  const document = await findDocument(documentModel(resource.modelName), { _id: toId(id) });
  const text = (value: unknown) => (value instanceof Date ? value.toISOString() : String(value));
  const isDate = (path: string) => plan.model.schema.path(path)?.instance === 'Date';
  const filter = (path: string): Record<string, string> =>
    isDate(path)
      ? { [`${path.replace(/At$/, '')}After`]: '2020-01-01T00:00:00.000Z' }
      : { [path]: text(document?.[path]) };
  const given = (path: string) => document?.[path] !== undefined;
  return [
    {},
    ...plan.lists.plans
      .filter(({ filters }) => filters.every(given))
      .map(({ filters, sort }) => ({
        ...Object.assign({}, ...filters.map(filter)),
        sort: sort === '_id' ? 'id' : sort,
      })),
    { total: 'true' },
    ...(listsDeleted(plan) ? [{ deleted: 'true' }] : []),
    ...(Object.keys(plan.include).length > 0 ? [{ include: Object.keys(plan.include).join() }] : []),
  ].filter(({ sort }) => sort === undefined || plan.lists.sorts.length > 1 || sort !== 'id');
}

type Exercises = Readonly<
  Record<Operation, (scene: Scene, resources: readonly Resource[], resource: Resource, plan: Plan) => Promise<void>>
>;

const GENERIC: Exercises = {
  async list(scene, resources, resource, plan) {
    const { as, list, maker, ids, id } = await setUp(scene, resources, resource, plan);
    const again = { ...resource.sample(randomUUID().slice(0, 8)), ...writable(ids, plan) };
    const first = resource.plans.find(({ rules }) => rules.create);
    if (first)
      await scene.prepare({
        method: 'POST',
        url: `${prefixOf(first)}${listOf(first, ids)}`,
        as: maker,
        body: { ...again },
      });
    const team = teamParameter(plan);
    const fixed: Record<string, string> = team === undefined ? {} : { [team]: String(ids[team]) };
    for (const query of await queriesOf(plan, resource, id)) {
      const request = { method: 'GET', url: list, as } as const;
      const page = await scene.send({ ...request, query: { ...fixed, ...query, limit: '1' } });
      const cursor = page.json().nextCursor;
      if (cursor !== null) await scene.send({ ...request, query: { ...fixed, ...query, limit: '1', cursor } });
    }
    for (const { relation, url } of linkPlans(plan)) {
      const other = find(resources, relation.of().modelName);
      if (!other) continue;
      const linked = await makeDocument(scene, resources, other, maker);
      await scene.prepare({
        method: 'PUT',
        url: `/v1${listOf({ path: url, nested: plan.nested }, ids).replace(':id', id)}/${linked.id}`,
        as: maker,
        body: {},
      });
      await scene.send({ method: 'GET', url: list, as, query: { ...fixed, [relation.to]: linked.id, limit: '1' } });
    }
  },

  async create(scene, resources, resource, plan) {
    const as = await whoFor(scene, plan);
    const ids = await references(scene, resources, plan, as);
    const body = { ...resource.sample(randomUUID().slice(0, 8)), ...writable(ids, plan) };
    const headers = { 'idempotency-key': randomUUID() };
    const request = { method: 'POST', url: `${prefixOf(plan)}${listOf(plan, ids)}`, as, body } as const;
    for (let time = 0; time < 2; time++) await scene.send({ ...request, headers });
  },

  async read(scene, resources, resource, plan) {
    const { as, url } = await setUp(scene, resources, resource, plan);
    await scene.send({ method: 'GET', url, as });
    const include = Object.keys(plan.include).join();
    if (include !== '') await scene.send({ method: 'GET', url, as, query: { include } });
  },

  async update(scene, resources, resource, plan) {
    const { as, url } = await setUp(scene, resources, resource, plan);
    const { properties } = plan.patch as unknown as { properties: object };
    const sample = Object.entries(resource.sample(randomUUID().slice(0, 8))).filter(([name]) => name in properties);
    const request = { method: 'PATCH', url, as, body: Object.fromEntries(sample) } as const;
    const { headers } = await scene.send(request);
    await scene.send({ ...request, headers: { 'if-match': String(headers['etag']) } });
    await scene.send({ ...request, headers: { 'if-match': '"0"' }, expect: 412 });
  },

  async delete(scene, resources, resource, plan) {
    const { as, url } = await setUp(scene, resources, resource, plan);
    await scene.send({ method: 'DELETE', url, as });
    await scene.send({ method: 'DELETE', url, as, expect: 404 });
  },

  async restore(scene, resources, resource, plan) {
    const { as, url, maker, list, id } = await setUp(scene, resources, resource, plan);
    const deleting = resource.plans.find(({ rules }) => rules.delete);
    if (!deleting) throw new Error(`nobody deletes ${resource.plural}`);
    const by = deleting.kind === 'admin' ? await scene.admin() : maker;
    const gone = list.replace(prefixOf(plan), prefixOf(deleting));
    await scene.prepare({ method: 'DELETE', url: `${gone}/${id}`, as: by });
    await scene.send({ method: 'POST', url: `${url}/restore`, as });
    await scene.send({ method: 'POST', url: `${url}/restore`, as, expect: 404 });
  },
};

/** What links documents of a collection to others. */
function linkExercises(resources: readonly Resource[], resource: Resource, plan: Plan): Record<string, Exercise> {
  return Object.fromEntries(
    linkPlans(plan).flatMap(({ relation, url }) => {
      const linked = async (scene: Scene) => {
        const { as, id, ids, maker } = await setUp(scene, resources, resource, plan);
        const other = find(resources, relation.of().modelName);
        if (!other) throw new Error(`${relation.of().modelName} is no resource that an exercise could make`);
        const target = await makeDocument(scene, resources, other, maker);
        const body = Object.keys(relation.fields).length > 0 ? { body: {} } : {};
        const list = `${prefixOf(plan)}${listOf({ path: url, nested: plan.nested }, ids).replace(':id', id)}`;
        return { as, list, request: { method: 'PUT', url: `${list}/${target.id}`, as, ...body } as const };
      };
      const one = `/v1${url}/:${relation.to}`;
      return [
        [
          `GET /v1${url}`,
          async (scene: Scene) => {
            const { as, list, request } = await linked(scene);
            await scene.prepare(request);
            await scene.send({ method: 'GET', url: list, as, query: { limit: '1' } });
          },
        ],
        [
          `PUT ${one}`,
          async (scene: Scene) => {
            const { request } = await linked(scene);
            for (let time = 0; time < 2; time++) await scene.send(request);
          },
        ],
        [
          `DELETE ${one}`,
          async (scene: Scene) => {
            const { request, as } = await linked(scene);
            await scene.prepare(request);
            await scene.send({ method: 'DELETE', url: request.url, as });
          },
        ],
      ];
    }),
  );
}

/** The generated routes of resources whose documents are made by a route. Others are exercised by hand. */
export function resourceExercises(resources: readonly Resource[]): Record<string, Exercise> {
  const routes = resources
    .filter(({ plans }) => plans.some(({ rules }) => rules.create))
    .flatMap((resource) =>
      resource.plans.flatMap((plan) =>
        (Object.keys(plan.rules) as Operation[]).map((operation): [string, Exercise] => {
          const [method, suffix] = ROUTES[operation];
          const route = `${method} ${prefixOf(plan)}${plan.path}${suffix}`;
          return [route, (scene) => GENERIC[operation](scene, resources, resource, plan)];
        }),
      ),
    );
  const links = resources.flatMap((resource) => resource.plans.map((plan) => linkExercises(resources, resource, plan)));
  return Object.assign(Object.fromEntries(routes), ...links);
}
