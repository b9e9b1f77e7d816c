import type { Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { type Role, User, type UserRecord, type UserStatus } from './user.ts';

export interface UserFilter {
  readonly status?: UserStatus;
  readonly emailVerified?: boolean;
  readonly role?: Role;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
}

export type UserSort = 'id' | '-id' | 'createdAt' | '-createdAt' | 'email' | '-email';
type SortField = '_id' | 'createdAt' | 'email';

/** Where the next page starts: the sort key of the last item, and its id to tell equal keys apart. */
export interface Position {
  readonly key: string | Date;
  readonly id: string;
}

const TOTAL_CAP = 10_000;

/** Which filters go with which order, and the index that gives both. A pair that is not here is refused. */
export const USER_LISTS: readonly { filters: string; sort: SortField; index: Record<string, 1> }[] = [
  { filters: '', sort: '_id', index: { _id: 1 } },
  { filters: '', sort: 'createdAt', index: { createdAt: 1, _id: 1 } },
  { filters: '', sort: 'email', index: { email: 1 } },
  { filters: 'created', sort: 'createdAt', index: { createdAt: 1, _id: 1 } },
  { filters: 'status', sort: '_id', index: { status: 1, _id: 1 } },
  { filters: 'status', sort: 'createdAt', index: { status: 1, createdAt: 1, _id: 1 } },
  { filters: 'created,status', sort: 'createdAt', index: { status: 1, createdAt: 1, _id: 1 } },
  { filters: 'status', sort: 'email', index: { status: 1, email: 1 } },
  { filters: 'emailVerified', sort: '_id', index: { emailVerified: 1, _id: 1 } },
  { filters: 'role', sort: '_id', index: { roles: 1, _id: 1 } },
];

interface ListPlan {
  readonly where: Record<string, unknown>;
  readonly field: SortField;
  readonly direction: 1 | -1;
  readonly index: Record<string, 1>;
}

/** Newest first unless asked otherwise: by id, or by the creation time that the filter is about. */
function plan(filter: UserFilter, sort: UserSort | undefined): ListPlan {
  const created = filter.createdAfter !== undefined || filter.createdBefore !== undefined;
  const order = sort ?? (created ? '-createdAt' : '-id');
  const name = order.replace('-', '');
  const field = (name === 'id' ? '_id' : name) as SortField;
  const filters = [
    created && 'created',
    ...(['emailVerified', 'role', 'status'] as const).map((key) => filter[key] !== undefined && key),
  ]
    .filter(Boolean)
    .join(',');
  const found = USER_LISTS.find((list) => list.filters === filters && list.sort === field);
  if (!found) throw unsupported(filters, name);
  return { where: conditions(filter), field, direction: order.startsWith('-') ? -1 : 1, index: found.index };
}

function unsupported(filters: string, sort: string): AppError {
  const offered = USER_LISTS.filter((list) => list.filters === filters).map((list) => list.sort.replace('_id', 'id'));
  const given = filters === '' ? 'no filter' : `a filter on ${filters.replace(',', ' and ')}`;
  const detail =
    offered.length > 0
      ? `With ${given}, sort by ${offered.join(' or ')}, not ${sort}.`
      : `No list is offered for ${given}.`;
  return new AppError('unsupported-sort', { detail });
}

function conditions({ status, emailVerified, role, createdAfter, createdBefore }: UserFilter): Record<string, unknown> {
  const range = { ...(createdAfter && { $gt: createdAfter }), ...(createdBefore && { $lt: createdBefore }) };
  return {
    // Hidden means hidden: deleted accounts appear only where they are asked for.
    status: status ?? { $ne: 'deleted' },
    ...(emailVerified !== undefined && { emailVerified }),
    ...(role !== undefined && { roles: role }),
    ...((createdAfter || createdBefore) && { createdAt: range }),
  };
}

/** What lies behind `after` in the order: one range on the sort key, so that a deep page costs what the first does. */
function behind({ field, direction }: ListPlan, after: Position | undefined): Record<string, unknown>[] {
  if (!after) return [];
  // A cursor is no proof: one that was made by hand may carry anything.
  if ((field === 'createdAt') !== after.key instanceof Date) throw new AppError('invalid-cursor');
  const past = direction === 1 ? '$gt' : '$lt';
  if (field === '_id') return [{ _id: { [past]: after.id } }];
  if (field === 'email') return [{ email: { [past]: after.key } }];
  return [
    { createdAt: { [`${past}e`]: after.key } },
    { $or: [{ createdAt: { [past]: after.key } }, { _id: { [past]: after.id } }] },
  ];
}

const positionOf = (user: UserRecord, field: SortField): Position => ({
  key: field === 'createdAt' ? user.createdAt : field === 'email' ? user.email : '',
  id: user._id.toHexString(),
});

export interface UserPage {
  readonly users: UserRecord[];
  readonly next: Position | null;
}

/**
 * One page of users in the order of an index.
 * @throws {AppError} `unsupported-sort` for a pair of filter and sort that no index serves
 */
export async function listUsers(
  filter: UserFilter,
  sort: UserSort | undefined,
  limit: number,
  after?: Position,
): Promise<UserPage> {
  const list = plan(filter, sort);
  const order: Record<string, 1 | -1> = {
    [list.field]: list.direction,
    ...(list.field === 'createdAt' && { _id: list.direction }),
  };
  const users = await User.find({ $and: [list.where, ...behind(list, after)] })
    .sort(order)
    .limit(limit + 1)
    .hint(list.index)
    .lean<UserRecord[]>();
  return pageOf(users, limit, (user) => positionOf(user, list.field));
}

/** One more than asked for was read: it tells whether there is a next page, at no second query. */
function pageOf<T extends { _id: Types.ObjectId }>(
  read: T[],
  limit: number,
  position: (last: T) => Position,
): { users: T[]; next: Position | null } {
  const users = read.slice(0, limit);
  const last = users.at(-1);
  return { users, next: read.length > limit && last ? position(last) : null };
}

/** How many match, counted no further than the cap, as an exact total of a large collection costs a walk through it. */
export async function countUsers(
  filter: UserFilter,
  sort: UserSort | undefined,
): Promise<{ total: number; totalCapped: boolean }> {
  const { where, index } = plan(filter, sort);
  // Where the status alone decides, its index counts without reading a document.
  const hint = Object.keys(where).length === 1 ? { status: 1, _id: 1 } : index;
  const counted = await User.countDocuments(where, { limit: TOTAL_CAP + 1, hint });
  return { total: Math.min(counted, TOTAL_CAP), totalCapped: counted > TOTAL_CAP };
}
