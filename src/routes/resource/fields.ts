import { type AdminRule, isAdminRule, type OwnRule, type Rule } from '../../lib/access-rules.ts';
import type { Shown } from '../../schemas/resource.ts';
import type { Audience, FieldAccess } from './declaration.ts';

/** What decides about one field for the callers of one audience. */
export type FieldRule =
  | { readonly decides: Exclude<Shown, 'sometimes'> }
  | { readonly decides: 'sometimes'; readonly own: OwnRule }
  | { readonly decides: 'sometimes'; readonly admin: AdminRule };

const ALWAYS = { decides: 'always' } as const;
const NEVER = { decides: 'never' } as const;

/**
 * How a field's rules read for an audience: those of a role or a permission are for administration, those about
 * documents for everybody else. A rule that the whole operation has to pass decides nothing more.
 */
function fieldRule(
  { kind, rules }: Audience,
  given: Rule | readonly Rule[] | undefined,
  operation: 'read' | 'update' | 'create',
): FieldRule {
  if (given === undefined) return ALWAYS;
  const list = [given].flat() as readonly Rule[];
  const same = (rule: Rule): boolean => JSON.stringify(rule) === JSON.stringify(rules[operation]);
  if (list.some(same)) return ALWAYS;
  if (kind === 'admin') {
    const admin = list.find(isAdminRule);
    return admin ? { decides: 'sometimes', admin } : NEVER;
  }
  const own = list.find((rule): rule is OwnRule => !isAdminRule(rule));
  if (own === undefined) return NEVER;
  return own.kind === 'everyone' ? ALWAYS : { decides: 'sometimes', own };
}

export type FieldRules = ReadonlyMap<string, FieldRule>;

/** The rules of all fields that have any. */
export const fieldRules = (
  audience: Audience,
  fields: Readonly<Record<string, FieldAccess>>,
  access: keyof FieldAccess,
  operation: 'read' | 'update' | 'create',
): FieldRules =>
  new Map(
    Object.entries(fields).flatMap(([name, { [access]: rules }]) =>
      rules === undefined ? [] : [[name, fieldRule(audience, rules, operation)]],
    ),
  );

export const decided = (rules: FieldRules, field: string): Shown => rules.get(field)?.decides ?? 'always';
