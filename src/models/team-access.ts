import type { ClientSession, Types } from 'mongoose';
import { LIVE } from './life.ts';
import { Membership } from './membership.ts';

/**
 * Teams that an account is a member of, in one of these roles; of one team, whether it is that. A team that is deleted
 * has no members: their memberships are hidden with it.
 */
export async function teamsOf(
  userId: Types.ObjectId,
  roles: readonly string[],
  { teamId, tx }: { readonly teamId?: Types.ObjectId; readonly tx?: ClientSession } = {},
): Promise<Types.ObjectId[]> {
  const found = await Membership.collection
    .find(
      { userId, ...(teamId && { teamId }), role: { $in: [...roles] }, ...LIVE },
      { projection: { _id: 0, teamId: 1 }, ...(tx && { session: tx }) },
    )
    .toArray();
  return found.map(({ teamId: id }) => id as Types.ObjectId);
}
