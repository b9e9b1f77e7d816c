import { type AdminRule, isAdminRule, type OwnRule, type Rule, sameRule } from '../../lib/access-rules.ts';
import type { Shown } from '../../schemas/resource.ts';
import type { Audience, FieldAccess, Operation } from './declaration.ts';

/** What decides about one field for the callers of one audience. */
export type FieldRule =
  | { readonly decides: Exclude<Shown, 'sometimes'> }
  | { readonly decides: 'sometimes'; readonly rule: OwnRule | AdminRule };

const ALWAYS = { decides: 'always' } as const;
const NEVER = { decides: 'never' } as const;

/** Operations whose answer shows a document. */
const SHOWING: readonly Operation[] = ['list', 'read', 'create', 'update', 'restore'];

/** What a field's rule adds to: the rules of the operations that it stands beside. */
const BESIDE = { read: SHOWING, create: ['create'], update: ['update'] } as const satisfies Record<
  string,
  readonly Operation[]
>;

/**
 * How a field's rules read for an audience: those of a role or a permission are for administration, those about
 * documents for everybody else. A rule that every such operation has to pass anyway decides nothing more.
 * @throws Error for two rules of one audience
 */
function fieldRule({ kind, rules }: Audience, name: string, given: readonly Rule[], beside: keyof typeof BESIDE) {
  const [rule, another] = given.filter((each) => isAdminRule(each) === (kind === 'admin'));
  if (another) throw new Error(`The field ${name} has two rules of one kind; one decides`);
  if (rule === undefined) return NEVER;
  if (rule.kind === 'everyone' && Object.keys(rule.where).length === 0) return ALWAYS;
  const decided = BESIDE[beside].every((operation) => !rules[operation] || sameRule(rules[operation], rule));
  return decided ? ALWAYS : ({ decides: 'sometimes', rule } as const);
}

export type FieldRules = ReadonlyMap<string, FieldRule>;

/** The rules of all fields that have any. */
export const fieldRules = (
  audience: Audience,
  fields: Readonly<Record<string, FieldAccess>>,
  access: keyof FieldAccess,
  beside: keyof typeof BESIDE,
): FieldRules =>
  new Map(
    Object.entries(fields).flatMap(([name, { [access]: rules }]): [string, FieldRule][] =>
      rules === undefined ? [] : [[name, fieldRule(audience, name, [rules].flat() as Rule[], beside)]],
    ),
  );

export const decided = (rules: FieldRules, field: string): Shown => rules.get(field)?.decides ?? 'always';
