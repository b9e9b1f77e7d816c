import { Types } from 'mongoose';
import { AppError } from '../errors.ts';
import { type AUDIT_OUTCOMES, type AuditAction, AuditEvent, type AuditEventRecord } from './audit-event.ts';
import { toId } from './ids.ts';

export interface AuditFilter {
  /** Id of the account that acted. */
  readonly actor?: string;
  /** Id of what it was done to. */
  readonly target?: string;
  readonly action?: AuditAction;
  readonly outcome?: (typeof AUDIT_OUTCOMES)[number];
  readonly from?: Date;
  readonly to?: Date;
}

/** Which filters are offered, and the index that serves each in the order of ids. A period goes with any of them. */
export const AUDIT_LISTS = [
  { filter: undefined, index: { _id: 1 } },
  { filter: 'actor', index: { 'actor.id': 1, _id: 1 } },
  { filter: 'target', index: { 'target.id': 1, _id: 1 } },
  { filter: 'action', index: { action: 1, _id: 1 } },
  { filter: 'outcome', index: { outcome: 1, _id: 1 } },
] as const;

/** An id is made when its event is; by so much the two times may differ. */
const ID_TOLERANCE_SECONDS = 60;

type Order = 1 | -1;

/**
 * One page of events in the order of their ids.
 * @param after the id of the last event of the page before
 * @throws {AppError} `unsupported-sort` for filters that no index serves together
 */
export async function listAuditEvents(
  filter: AuditFilter,
  limit: number,
  { after, order = -1 }: { readonly after?: string | undefined; readonly order?: Order } = {},
): Promise<{ events: AuditEventRecord[]; next: string | null }> {
  const read = await AuditEvent.collection
    .find<AuditEventRecord>(
      { $and: [exactly(filter), period(filter), ...(after === undefined ? [] : [behind(after, order)])] },
      { hint: planOf(filter).index },
    )
    .sort({ _id: order })
    .limit(limit + 1)
    .toArray();
  const events = read.slice(0, limit);
  const last = events.at(-1);
  return { events, next: read.length > limit && last ? last._id.toHexString() : null };
}

function planOf(filter: AuditFilter) {
  const given = (['actor', 'target', 'action', 'outcome'] as const).filter((name) => filter[name] !== undefined);
  const plan = AUDIT_LISTS.find((list) => list.filter === given[0]);
  if (!plan || given.length > 1)
    throw new AppError('unsupported-sort', {
      detail: `Filter by ${given.join(' or ')}, not by several of them; a period goes with each.`,
    });
  return plan;
}

const exactly = ({ actor, target, action, outcome }: AuditFilter): Record<string, unknown> => ({
  ...(actor !== undefined && { 'actor.id': toId(actor) }),
  ...(target !== undefined && { 'target.id': toId(target) }),
  ...(action !== undefined && { action }),
  ...(outcome !== undefined && { outcome }),
});

/** Ids begin with their time: a range of them serves a period beside any other filter, with no index of its own. */
function period({ from, to }: AuditFilter): Record<string, unknown> {
  const idAt = (time: Date, by: number) =>
    Types.ObjectId.createFromTime(Math.max(0, Math.floor(time.getTime() / 1000) + by));
  return {
    ...((from || to) && {
      _id: {
        ...(from && { $gte: idAt(from, -ID_TOLERANCE_SECONDS) }),
        ...(to && { $lte: idAt(to, ID_TOLERANCE_SECONDS) }),
      },
      at: { ...(from && { $gte: from }), ...(to && { $lt: to }) },
    }),
  };
}

const behind = (after: string, order: Order): Record<string, unknown> => ({
  _id: { [order === -1 ? '$lt' : '$gt']: toId(after) },
});
