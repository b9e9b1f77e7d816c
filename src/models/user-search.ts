import { AppError } from '../errors.ts';
import { nameKey } from '../lib/names.ts';
import { User, type UserRecord, type UserStatus } from './user.ts';
import type { Position, UserPage } from './user-list.ts';

/**
 * Search by prefix walks three indexes one after the other, each in its own order: emails first, then last names,
 * then first names. So every page is a range of one or two indexes, never a sort of all that matches.
 */
const STEPS = [
  { field: 'email', index: { status: 1, email: 1 } },
  { field: 'lastNameKey', index: { status: 1, lastNameKey: 1, _id: 1 } },
  { field: 'firstNameKey', index: { status: 1, firstNameKey: 1, _id: 1 } },
] as const;

type Step = (typeof STEPS)[number];

const LIVE: readonly UserStatus[] = ['active', 'inactive', 'suspended'];

/** A literal range, not a pattern: no character of the search text has a meaning of its own. */
const startsWith = (text: string) => ({ $gte: text, $lt: `${text}\u{10FFFF}` });

/** Where a search goes on: `key` is `<step>:<value>`. */
function resume(after: Position | undefined): { first: number; value?: string; id?: string } {
  if (!after) return { first: 0 };
  const [, step, value] = /^([0-2]):(.*)$/s.exec(String(after.key)) ?? [];
  if (step === undefined || value === undefined) throw new AppError('invalid-cursor');
  return { first: Number(step), value, id: after.id };
}

function behind({ field }: Step, value: string | undefined, id: string | undefined): Record<string, unknown>[] {
  if (value === undefined) return [];
  if (field === 'email') return [{ email: { $gt: value } }];
  return [{ [field]: { $gte: value } }, { $or: [{ [field]: { $gt: value } }, { _id: { $gt: id } }] }];
}

/** Users whose email, last name or first name begins with `q`, each of them once. */
export async function searchUsers(
  q: string,
  status: UserStatus | undefined,
  limit: number,
  after?: Position,
): Promise<UserPage> {
  const text = nameKey(q);
  const { first, value, id } = resume(after);
  const found: { user: UserRecord; step: number }[] = [];
  for (let step = first; step < STEPS.length && found.length <= limit; step++) {
    const at = STEPS[step];
    if (!at) break;
    const seen = STEPS.slice(0, step).map(({ field }) => ({ [field]: startsWith(text) }));
    const users = await User.find({
      $and: [
        { status: status ?? { $in: LIVE }, [at.field]: startsWith(text) },
        ...behind(at, step === first ? value : undefined, id),
        ...(seen.length > 0 ? [{ $nor: seen }] : []),
      ],
    })
      .sort(at.field === 'email' ? { email: 1 } : { [at.field]: 1, _id: 1 })
      .limit(limit + 1 - found.length)
      .hint(at.index)
      .lean<UserRecord[]>();
    found.push(...users.map((user) => ({ user, step })));
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { users: page.map(({ user }) => user), next: found.length > limit && last ? positionOf(last) : null };
}

function positionOf({ user, step }: { user: UserRecord; step: number }): Position {
  const field = STEPS[step]?.field ?? 'email';
  return { key: `${step}:${user[field] ?? ''}`, id: user._id.toHexString() };
}
