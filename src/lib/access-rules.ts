import type { Permission } from './permissions.ts';

/**
 * Who may do something with the documents of a domain collection. A rule about documents (`owner`, `teamRole`) becomes
 * a part of the query, so that what is not somebody's is never loaded for them. Rules that a role or a permission
 * decides make routes of administration.
 */
export type Rule = OpenRule | OwnerRule | TeamRule | PermissionRule | RoleRule;

interface OpenRule {
  readonly kind: 'everyone' | 'signed-in';
  /** Only documents like this, such as `{ published: true }`. */
  readonly where: Readonly<Record<string, string | number | boolean>>;
}

interface OwnerRule {
  readonly kind: 'owner';
  /** The path that holds the account's id. */
  readonly path: string;
}

interface TeamRule {
  readonly kind: 'team';
  /** The path that holds the team's id. */
  readonly path: string;
  readonly roles: readonly string[];
}

interface PermissionRule {
  readonly kind: 'permission';
  readonly permission: Permission;
}

interface RoleRule {
  readonly kind: 'role';
  readonly role: string;
}

/** Rules for the people of a product, as opposed to its administration. */
export type OwnRule = OpenRule | OwnerRule | TeamRule;
export type AdminRule = PermissionRule | RoleRule;

/** Anybody, signed in or not. */
export const everyone = (where: OpenRule['where'] = {}): OpenRule => ({ kind: 'everyone', where });

/** Any account. */
export const signedIn = (where: OpenRule['where'] = {}): OpenRule => ({ kind: 'signed-in', where });

/** The account that a document belongs to. */
export const owner = (path = 'userId'): OwnerRule => ({ kind: 'owner', path });

/** Members of the team that a document belongs to, in one of these roles. */
export const teamRole = (roles: readonly string[], path = 'teamId'): TeamRule => ({ kind: 'team', path, roles });

/** Whoever has the permission by one of their roles, and API keys that have it. */
export const permission = (name: Permission): PermissionRule => ({ kind: 'permission', permission: name });

/** Whoever has the role; no API key has any. */
export const role = (name: string): RoleRule => ({ kind: 'role', role: name });

export const sameRule = (one: Rule, other: Rule): boolean => JSON.stringify(one) === JSON.stringify(other);

export const isAdminRule = (rule: Rule): rule is AdminRule => rule.kind === 'permission' || rule.kind === 'role';
