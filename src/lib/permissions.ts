/** What a role may do. Everything that is not in this table is denied. */
export const PERMISSIONS = [
  'users:read',
  'users:write',
  'users:erase',
  'roles:write',
  'sessions:read',
  'sessions:write',
  'password-resets:write',
  'audit:read',
  'operations:read',
  'api-keys:read',
  'api-keys:write',
  'statistics:read',
  'webhooks:read',
  'webhooks:write',
  'collections:read',
  'collections:write',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const ROLE_PERMISSIONS: Readonly<Record<string, readonly Permission[]>> = Object.freeze({
  user: [],
  support: ['users:read', 'sessions:read', 'sessions:write', 'password-resets:write', 'audit:read'],
  admin: PERMISSIONS,
});

export const isRole = (role: string): boolean => Object.hasOwn(ROLE_PERMISSIONS, role);

/** All permissions that the roles give together; an unknown role gives none. */
export function permissionsOf(roles: readonly string[]): ReadonlySet<Permission> {
  return new Set(roles.flatMap((role) => (isRole(role) ? (ROLE_PERMISSIONS[role] ?? []) : [])));
}

/** Nobody grants what they lack: whether `own` has every permission of `granted`. */
export const mayGrant = (own: ReadonlySet<Permission>, granted: Iterable<Permission>): boolean =>
  [...granted].every((permission) => own.has(permission));

/** Those of a list that somebody holds; what is no permission is held by nobody. */
export const heldOf = (list: readonly string[], held: ReadonlySet<Permission>): Permission[] =>
  [...held].filter((permission) => list.includes(permission));

/** The roles that count in a session: those of `strict` only where it was proven by more than one factor. */
export const rolesInForce = <R extends string>(
  { roles, authenticationMethods }: { readonly roles: R[]; readonly authenticationMethods: readonly string[] },
  strict: ReadonlySet<string>,
): R[] =>
  strict.size === 0 || authenticationMethods.includes('mfa') ? roles : roles.filter((role) => !strict.has(role));
