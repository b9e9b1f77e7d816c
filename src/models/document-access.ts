import type { ClientSession, Types } from 'mongoose';
import type { OwnRule } from '../lib/access-rules.ts';
import type { Filter } from './document.ts';
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
  if ('where' in rule) return rule.where;
  if (userId === undefined) return null;
  if (rule.kind === 'owner') return { [rule.path]: userId };
  const teams = await teamsOf(userId, rule.roles, within);
  const [first] = teams;
  if (first === undefined) return null;
  return { [rule.path]: teams.length === 1 ? first : { $in: teams } };
}
