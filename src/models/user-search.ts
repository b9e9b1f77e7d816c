import { AppError } from '../errors.ts';
import type { Keyring } from '../lib/keyring.ts';
import { nameKey } from '../lib/names.ts';
import { User, type UserRecord, type UserStatus } from './user.ts';
import type { Position, UserPage } from './user-list.ts';
import { nameHashes } from './user-names.ts';

const EMAIL = { status: 1, email: 1 } as const;
const NAME = {
  lastName: { field: 'lastNameKey', index: { status: 1, lastNameKey: 1, _id: 1 } },
  firstName: { field: 'firstNameKey', index: { status: 1, firstNameKey: 1, _id: 1 } },
} as const;

/** A range, or some values, of one index. */
interface Step {
  readonly field: 'email' | 'lastNameKey' | 'firstNameKey';
  readonly index: Readonly<Record<string, 1>>;
  readonly matches: object;
}

/**
 * Search walks three indexes one after the other, each in its own order: emails first, then last names, then first
 * names. So every page is a range of one or two indexes, never a sort of all that matches. Names that are encrypted are
 * found by their hashes in two more steps: whole, where others are found by how they begin. Both kinds may be there,
 * however names are written now.
 */
function stepsOf(keyring: Keyring, q: string): Step[] {
  const text = nameKey(q);
  const matches = startsWith(text);
  const steps: Step[] = [{ field: 'email', index: EMAIL, matches }];
  for (const step of [NAME.lastName, NAME.firstName]) steps.push({ ...step, matches });
  for (const name of ['lastName', 'firstName'] as const)
    steps.push({ ...NAME[name], matches: { $in: nameHashes(keyring, name, q) } });
  return steps;
}

const LIVE: readonly UserStatus[] = ['active', 'inactive', 'suspended'];

/** A literal range, not a pattern: no character of the search text has a meaning of its own. */
const startsWith = (text: string) => ({ $gte: text, $lt: `${text}\u{10FFFF}` });

/** Where a search goes on: `key` is `<step>:<value>`. */
function resume(after: Position | undefined): { first: number; value?: string; id?: string } {
  if (!after) return { first: 0 };
  const [, step, value] = /^(\d):(.*)$/s.exec(String(after.key)) ?? [];
  if (step === undefined || value === undefined) throw new AppError('invalid-cursor');
  return { first: Number(step), value, id: after.id };
}

function behind({ field }: Step, value: string | undefined, id: string | undefined): Record<string, unknown>[] {
  if (value === undefined) return [];
  if (field === 'email') return [{ email: { $gt: value } }];
  return [{ [field]: { $gte: value } }, { $or: [{ [field]: { $gt: value } }, { _id: { $gt: id } }] }];
}

interface Search {
  readonly q: string;
  readonly status?: UserStatus | undefined;
}

/** Users whose email, last name or first name begins with `q`, or whose encrypted name it is; each of them once. */
export async function searchUsers(
  keyring: Keyring,
  { q, status }: Search,
  limit: number,
  after?: Position,
): Promise<UserPage> {
  const steps = stepsOf(keyring, q);
  const { first, value, id } = resume(after);
  const found: { user: UserRecord; at: Step; step: number }[] = [];
  for (let step = first; step < steps.length && found.length <= limit; step++) {
    const at = steps[step];
    if (!at) break;
    const seen = steps.slice(0, step).map(({ field, matches }) => ({ [field]: matches }));
    const users = await User.find({
      $and: [
        { status: status ?? { $in: LIVE }, [at.field]: at.matches },
        ...behind(at, step === first ? value : undefined, id),
        ...(seen.length > 0 ? [{ $nor: seen }] : []),
      ],
    })
      .sort(at.field === 'email' ? { email: 1 } : { [at.field]: 1, _id: 1 })
      .limit(limit + 1 - found.length)
      .hint(at.index)
      .lean<UserRecord[]>();
    found.push(...users.map((user) => ({ user, at, step })));
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { users: page.map(({ user }) => user), next: found.length > limit && last ? positionOf(last) : null };
}

const positionOf = ({ user, at: { field }, step }: { user: UserRecord; at: Step; step: number }): Position => ({
  key: `${step}:${user[field] ?? ''}`,
  id: user._id.toHexString(),
});
