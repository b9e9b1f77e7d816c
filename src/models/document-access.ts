import type { ClientSession, Types } from 'mongoose';
import type { OwnRule } from '../lib/access-rules.ts';
import type { Filter, StoredDocument } from './document.ts';
import { isId } from './ids.ts';
import { teamsOf } from './team-access.ts';

/** Whoever asks for documents. Absent where nobody is signed in, or an API key calls. */
export interface Caller {
  readonly userId?: Types.ObjectId;
}

/** What a rule leaves of a collection for somebody: a part of the query. `null` where it leaves nothing. */
export async function filterOf(
  rule: OwnRule,
  { userId }: Caller,
  within: { readonly teamId?: Types.ObjectId; readonly tx?: ClientSession } = {},
): Promise<Filter | null> {
  // What a public route includes may be for accounts alone.
  if ('where' in rule) return rule.kind === 'everyone' || userId !== undefined ? rule.where : null;
  if (userId === undefined) return null;
  if (rule.kind === 'owner') return { [rule.path]: userId };
  const teams = await teamsOf(userId, rule.roles, within);
  const [first] = teams;
  if (first === undefined) return null;
  return { [rule.path]: teams.length === 1 ? first : { $in: teams } };
}

/** Whether a document is one of those that such a filter finds. */
export const passesFilter = (document: StoredDocument, filter: Filter): boolean =>
  Object.entries(filter).every(([path, wanted]) => {
    const { $in } = (wanted ?? {}) as { $in?: readonly unknown[] };
    return ($in ?? [wanted]).some((each) => isSame(document[path], each));
  });

const isSame = (one: unknown, other: unknown): boolean =>
  isId(one) && isId(other) ? one.equals(other) : one === other;
