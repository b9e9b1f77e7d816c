import type { ClientSession, Types } from 'mongoose';
import { LIVE } from './life.ts';
import { Membership } from './membership.ts';

/**
 * Teams that an account is a member of, in one of these roles; of one team, whether it is that. The memberships of a
 * deleted team are hidden once they have followed it: at once, of a huge team within a minute. Until then its members may
 * what they might before, to what has not followed either; nothing is added, as whatever comes to refer to a team holds it.
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
