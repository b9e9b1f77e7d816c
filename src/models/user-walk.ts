import type { Types } from 'mongoose';
import { User, type UserRecord } from './user.ts';

const PAGE = 1_000;

/**
 * All accounts that are not deleted, oldest id first. Page by page from the last id seen, not by one cursor: a slow
 * reader may take longer than a server keeps a cursor open. Every account that exists from beginning to end is met
 * exactly once, as it is when its page is read.
 */
export async function* walkUsers(withPasswordHash: boolean): AsyncGenerator<UserRecord> {
  let last: Types.ObjectId | undefined;
  do {
    const page: UserRecord[] = await User.find({
      status: { $ne: 'deleted' },
      ...(last && { _id: { $gt: last } }),
    })
      .select(withPasswordHash ? '+passwordHash' : '')
      .sort({ _id: 1 })
      .limit(PAGE)
      .hint({ _id: 1 })
      .lean<UserRecord[]>();
    yield* page;
    last = page.length === PAGE ? page.at(-1)?._id : undefined;
  } while (last);
}

export const countDeletedUsers = (): Promise<number> => User.countDocuments({ status: 'deleted' });

/** How many accounts `walkUsers` meets. */
export const countWalkedUsers = (): Promise<number> => User.countDocuments({ status: { $ne: 'deleted' } });
