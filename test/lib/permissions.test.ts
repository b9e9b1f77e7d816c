import { describe, expect, it } from 'vitest';
import { heldOf, mayGrant, PERMISSIONS, permissionsOf, rolesInForce } from '../../src/lib/permissions.ts';

const user = permissionsOf(['user']);
const support = permissionsOf(['support']);
const admin = permissionsOf(['admin']);

describe('permissions', () => {
  it('of several roles add up, and of an unknown one there are none', () => {
    expect(permissionsOf(['user', 'support'])).toEqual(support);
    expect([...admin]).toEqual([...PERMISSIONS]);
    for (const role of ['root', 'constructor', '__proto__', '']) expect(permissionsOf([role]).size, role).toBe(0);
  });

  it('are granted by those alone who have every one of them', () => {
    expect(mayGrant(admin, support)).toBe(true);
    expect(mayGrant(support, support)).toBe(true);
    expect(mayGrant(support, ['users:read'])).toBe(true);
    expect(mayGrant(support, ['users:read', 'users:write'])).toBe(false);
    expect(mayGrant(user, support)).toBe(false);
    expect(mayGrant(new Set(), [])).toBe(true);
  });

  it('of a list are those that somebody holds', () => {
    expect(heldOf(['users:write', 'users:read', 'nothing', '__proto__'], support)).toEqual(['users:read']);
    expect(heldOf(['users:read'], user)).toEqual([]);
  });
});

describe('roles that ask for two factors', () => {
  const strict = new Set(['admin']);

  it('count only where more than one was proven', () => {
    const roles = ['user', 'admin'];
    expect(rolesInForce({ roles, authenticationMethods: ['pwd'] }, strict)).toEqual(['user']);
    expect(rolesInForce({ roles, authenticationMethods: ['pwd', 'otp', 'mfa'] }, strict)).toEqual(roles);
    expect(rolesInForce({ roles, authenticationMethods: ['pwd'] }, new Set())).toEqual(roles);
  });
});
