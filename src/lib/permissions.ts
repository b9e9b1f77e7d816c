/** What a role may do. Everything that is not in this table is denied. */
export const PERMISSIONS = [
  'users:read',
  'users:write',
  'roles:write',
  'sessions:read',
  'sessions:write',
  'password-resets:write',
  'operations:read',
  'webhooks:read',
  'webhooks:write',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const ROLE_PERMISSIONS: Readonly<Record<string, readonly Permission[]>> = Object.freeze({
  user: [],
  support: ['users:read', 'sessions:read', 'sessions:write', 'password-resets:write'],
  admin: PERMISSIONS,
});

export const isRole = (role: string): boolean => Object.hasOwn(ROLE_PERMISSIONS, role);

/** All permissions that the roles give together; an unknown role gives none. */
export function permissionsOf(roles: readonly string[]): ReadonlySet<Permission> {
  return new Set(roles.flatMap((role) => (isRole(role) ? (ROLE_PERMISSIONS[role] ?? []) : [])));
}

/** Nobody grants what they lack: whether `granter` has every permission that `granted` gives. */
export function mayGrant(granter: readonly string[], granted: readonly string[]): boolean {
  const own = permissionsOf(granter);
  return [...permissionsOf(granted)].every((permission) => own.has(permission));
}

/** The roles that count in a session: those of `strict` only where it was proven by more than one factor. */
export const rolesInForce = <R extends string>(
  { roles, authenticationMethods }: { readonly roles: R[]; readonly authenticationMethods: readonly string[] },
  strict: ReadonlySet<string>,
): R[] =>
  strict.size === 0 || authenticationMethods.includes('mfa') ? roles : roles.filter((role) => !strict.has(role));
