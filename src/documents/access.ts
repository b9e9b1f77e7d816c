import { PERMISSIONS, permissionsOf, ROLE_PERMISSIONS } from '../lib/permissions.ts';
import type { RouteEntry } from '../types/fastify.ts';
import { code, paragraphs, table } from './markdown.ts';

const ROLES = Object.keys(ROLE_PERMISSIONS);

/** The columns of the matrix, from left to right: nobody, the roles, and an API key with all permissions. */
export const CALLERS = ['anonymous', ...ROLES, 'API key'] as const;

const LEVELS = {
  public: 'public',
  'signed-in': 'signed in',
  'recently-authenticated': 'signed in recently',
  admin: 'administration',
} as const;

/** `docs/access.md`: who may call what, from the roles and from the routes as they are registered. */
export function accessDocument(routes: readonly RouteEntry[]): string {
  const listed = routes.filter(({ method, url }) => method !== 'HEAD' && !url.startsWith('/docs/'));
  return `${paragraphs(
    '# Access',
    '<!-- Written by `bin/roster docs` from src/lib/permissions.ts and the routes of src/app.ts; changes here are overwritten. -->',
    'Everything is denied that is not in these tables. A test asks each route as each of these callers and compares the answers.',
    '## Roles',
    'What a role may do. An account has the permissions of all its roles; those of `SECOND_FACTOR_ROLES` count only in sessions that were proven by two factors.',
    rolesTable(),
    '## Routes',
    [
      '- `yes`: let in; what the route itself says depends on the request.',
      '- `recent`: let in within 10 minutes of a sign-in or of `POST /v1/reauthentication`, else 403 `reauthentication-required`.',
      '- `401`: not told who calls. `403`: known, and not allowed.',
      '- The API key is one with the permission of the route, whose maker has it as well.',
    ].join('\n'),
    'To give roles to an account needs `roles:write` and a recent sign-in, besides what the route asks for. The pages below `/docs/` are public.',
    table(['Route', 'Level', 'Permission', ...CALLERS], listed.map(rowOf)),
  )}\n`;
}

const rolesTable = (): string =>
  table(
    ['Permission', ...ROLES.map(code)],
    PERMISSIONS.map((permission) => [
      code(permission),
      ...ROLES.map((role) => (permissionsOf([role]).has(permission) ? 'yes' : '')),
    ]),
  );

function rowOf(route: RouteEntry): string[] {
  const { method, url, access, permission, role } = route;
  const level = access === undefined ? 'none' : LEVELS[access];
  return [
    code(`${method} ${url}`),
    level,
    permission === undefined ? (role === undefined ? '' : `role ${code(role)}`) : code(permission),
    ...CALLERS.map((caller) => answerTo(caller, route)),
  ];
}

function answerTo(caller: (typeof CALLERS)[number], route: RouteEntry): 'yes' | 'recent' | '401' | '403' {
  const { access, permission, role, recent, sessionOnly, optionalSession } = route;
  const byKey = caller === 'API key';
  // Where a caller may be told apart, a key that is no session is no better than a wrong token.
  if (access === 'public') return byKey && optionalSession ? '401' : 'yes';
  if (caller === 'anonymous' || (byKey && access !== 'admin')) return '401';
  if (byKey) return sessionOnly || role !== undefined ? '403' : 'yes';
  if (role !== undefined && role !== caller) return '403';
  if (permission !== undefined && !permissionsOf([caller]).has(permission)) return '403';
  return recent || access === 'recently-authenticated' ? 'recent' : 'yes';
}
