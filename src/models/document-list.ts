import { type Schema, Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { and, type DocumentModel, type Filter, type StoredDocument } from './document.ts';
import { LIVE } from './life.ts';

/** Where the next page starts: the sort key of the last item as text, and its id to tell equal keys apart. */
export interface DocumentPosition {
  readonly key: string;
  readonly id: string;
}

/** A filter and sort that go together, and the index that gives both. */
interface ListPlan {
  /** Paths that the request filters by, in order of the alphabet. */
  readonly filters: readonly string[];
  readonly sort: string;
  readonly index: Readonly<Record<string, number>>;
  /** Whether the path after those of the filters is unique with them, so that no id needs to break ties. */
  readonly unique: boolean;
}

/** The lists of a collection for one kind of reader. */
export interface Lists {
  readonly plans: readonly ListPlan[];
  readonly filters: readonly string[];
  readonly sorts: readonly string[];
}

interface Wanted {
  /** Paths that the rule or the URL always holds to one value. */
  readonly fixed: readonly string[];
  readonly filters: readonly string[];
  /** Those of them that are ranges: they are served by the order that they are a range of. */
  readonly ranges: readonly string[];
  readonly sorts: readonly string[];
}

/** Together more filters than this would need an index for each combination. */
const TOGETHER = 2;

/**
 * Which of the wanted filters and sorts are served by an index, alone or together. A list that no index serves is not
 * offered.
 */
export function listsOf(schema: Schema, { fixed, filters, ranges, sorts }: Wanted): Lists {
  const indexes = [
    { key: { _id: 1 } as Readonly<Record<string, number>>, unique: true },
    ...schema
      .indexes()
      .filter(([, options]) => options.partialFilterExpression === undefined && options.sparse !== true)
      .map(([key, options]) => ({ key: key as Readonly<Record<string, number>>, unique: options.unique === true })),
  ];
  const plans = subsets(filters, TOGETHER).flatMap((chosen) =>
    ['_id', ...sorts].flatMap((sort) => {
      if (chosen.some((path) => ranges.includes(path) && path !== sort)) return [];
      const equal = [...new Set([...fixed, ...chosen])].filter((path) => path !== sort);
      const found = indexes.find(({ key, unique }) => serves(Object.keys(key), equal, sort, unique));
      if (!found) return [];
      const unique = found.unique && Object.keys(found.key).length === equal.length + 1;
      return [{ filters: chosen, sort, index: found.key, unique }];
    }),
  );
  return {
    plans,
    filters: filters.filter((path) => plans.some((plan) => plan.filters.includes(path))),
    sorts: ['_id', ...sorts].filter((path) => plans.some((plan) => plan.sort === path)),
  };
}

function subsets(names: readonly string[], size: number): string[][] {
  const sorted = [...names].sort();
  const pairs = sorted.flatMap((one, n) => sorted.slice(n + 1).map((other) => [one, other]));
  return [[], ...sorted.map((one) => [one]), ...(size > 1 ? pairs : [])];
}

/** Whether an index holds the equal paths first, in whatever order, then the sort, then the id that breaks ties. */
function serves(keys: readonly string[], equal: readonly string[], sort: string, unique: boolean): boolean {
  const leading = keys.slice(0, equal.length);
  if (!equal.every((path) => leading.includes(path)) || keys[equal.length] !== sort) return false;
  const rest = keys.slice(equal.length + 1);
  if (sort === '_id') return true;
  return rest[0] === '_id' || (rest.length === 0 && unique);
}

export interface ListRequest {
  /** Of the rule and of the URL. */
  readonly within: Filter;
  /** Conditions of the request, by the path that they are about. */
  readonly filters: Readonly<Record<string, unknown>>;
  /** `createdAt`, `-createdAt`; newest first by id unless given. */
  readonly sort?: string;
  /** The deleted ones instead of the others. */
  readonly deleted?: boolean;
  readonly limit: number;
  readonly after?: DocumentPosition;
  readonly projection?: Filter;
}

export interface DocumentPage {
  readonly documents: StoredDocument[];
  readonly next: DocumentPosition | null;
}

interface Chosen extends ListPlan {
  readonly direction: 1 | -1;
}

/** @throws {AppError} `unsupported-sort` */
function choose({ plans }: Lists, { filters, sort }: Pick<ListRequest, 'filters' | 'sort'>): Chosen {
  const names = Object.keys(filters).sort();
  const same = plans.filter((plan) => plan.filters.join() === names.join());
  // Of a filter that is a range, only the order by that range is served.
  const [first] = same;
  const order = sort ?? (first && !same.some((plan) => plan.sort === '_id') ? `-${first.sort}` : '-id');
  const name = order.replace('-', '');
  const found = same.find((plan) => plan.sort === (name === 'id' ? '_id' : name));
  if (found) return { ...found, direction: order.startsWith('-') ? -1 : 1 };
  const offered = same.map((plan) => plan.sort.replace('_id', 'id'));
  const given = names.length === 0 ? 'no filter' : `a filter on ${names.join(' and ')}`;
  const detail =
    offered.length > 0
      ? `With ${given}, sort by ${offered.join(' or ')}, not ${name}.`
      : `No list is offered for ${given}; filters go ${together(plans)}.`;
  throw new AppError('unsupported-sort', { detail });
}

/** Which filters are offered, alone or together. */
function together(plans: readonly ListPlan[]): string {
  const offered = new Set(plans.map(({ filters }) => filters.join(' with ')).filter((text) => text !== ''));
  return offered.size === 0 ? 'unused' : `by ${[...offered].join(', or ')}`;
}

const conditionsOf = ({ within, filters, deleted }: Pick<ListRequest, 'within' | 'filters' | 'deleted'>): Filter =>
  and(within, filters, deleted ? { deletedAt: { $exists: true } } : LIVE);

/** What lies behind `after` in the order: one range on the sort key, so that a deep page costs what the first does. */
function behind(model: DocumentModel, plan: Chosen, after: DocumentPosition | undefined): Filter {
  if (!after) return {};
  const past = plan.direction === 1 ? '$gt' : '$lt';
  const _id = castKey(model, '_id', after.id);
  if (plan.sort === '_id') return { _id: { [past]: _id } };
  const key = castKey(model, plan.sort, after.key);
  if (plan.unique) return { [plan.sort]: { [past]: key } };
  return and(
    { [plan.sort]: { [`${past}e`]: key } },
    { $or: [{ [plan.sort]: { [past]: key } }, { _id: { [past]: _id } }] },
  );
}

/** A cursor is no proof: one that was made by hand may carry anything. */
function castKey(model: DocumentModel, path: string, text: string): unknown {
  try {
    const value: unknown = model.schema.path(path).cast(text);
    if (value != null) return value;
  } catch {}
  throw new AppError('invalid-cursor');
}

const keyText = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value));

/**
 * One page of a collection, in the order of an index.
 * @throws {AppError} `unsupported-sort`, `invalid-cursor`
 */
export async function listDocuments(model: DocumentModel, lists: Lists, request: ListRequest): Promise<DocumentPage> {
  const plan = choose(lists, request);
  const { limit, after, projection } = request;
  const order: Record<string, 1 | -1> = {
    [plan.sort]: plan.direction,
    ...(plan.sort !== '_id' && !plan.unique && { _id: plan.direction }),
  };
  const read = (await model.collection
    .find(and(conditionsOf(request), behind(model, plan, after)) as never, {
      sort: order,
      limit: limit + 1,
      hint: plan.index as Record<string, 1>,
      ...(projection && { projection }),
    })
    .toArray()) as StoredDocument[];
  // One more than asked for was read: it tells whether there is a next page, at no second query.
  const documents = read.slice(0, limit);
  const last = documents.at(-1);
  const next = read.length > limit && last ? { key: keyText(last[plan.sort]), id: last._id.toHexString() } : null;
  return { documents, next };
}

const TOTAL_CAP = 10_000;

/** So that what has no other condition than to be live is counted along the index of ids, and not by a scan. */
const EVERY_ID: Filter = { _id: { $gte: new Types.ObjectId('0'.repeat(24)) } };

/** How many match, counted no further than the cap, as an exact total of a large collection costs a walk through it. */
export async function countDocuments(
  model: DocumentModel,
  lists: Lists,
  request: Omit<ListRequest, 'limit' | 'after' | 'projection'>,
): Promise<{ total: number; totalCapped: boolean }> {
  const { index } = choose(lists, request);
  const options = { limit: TOTAL_CAP + 1, hint: index as Record<string, 1> };
  const counted = await model.collection.countDocuments(and(EVERY_ID, conditionsOf(request)) as never, options);
  return { total: Math.min(counted, TOTAL_CAP), totalCapped: counted > TOTAL_CAP };
}
