/**
 * Auth0: the bulk export of users (an account a line), with the hashes that its support adds on request (`passwordHash`);
 * and the files of its own import (a list), with `password_hash` or `custom_password_hash`.
 * https://auth0.com/docs/manage-users/user-migration/bulk-user-exports
 * https://auth0.com/docs/manage-users/user-migration/bulk-user-import-database-schema-and-examples
 */
import { isShaFunction } from '../../lib/password-hashes/salted-sha.ts';
import type { Draft } from './draft.ts';
import { type ForeignFormat, LEFT_OUT } from './format.ts';
import { asItIs, decode, type HashText, malformed, pbkdf2OfPhc, saltedSha, scrypt, unsupported } from './hashes.ts';
import { isObject, objectOf, suspendedWhen, timeOf } from './values.ts';

export const auth0: ForeignFormat = {
  name: 'auth0',
  read(draft) {
    draft.move('email', 'email');
    draft.move('email_verified', 'emailVerified');
    draft.move('given_name', 'firstName');
    draft.move('family_name', 'lastName');
    draft.moveWholeName('name');
    draft.move('picture', 'avatarUrl');
    draft.move('blocked', 'status', suspendedWhen);
    draft.move('created_at', 'createdAt', timeOf);
    password(draft);
    draft.keepForApplication('user_id', 'externalId');
    for (const field of ['username', 'nickname']) draft.keep(field, field);
    draft.keepMembersForApplication('app_metadata', draft.takeMembers('app_metadata'));
    draft.keepMembers('user_metadata', draft.takeMembers('user_metadata'));
    draft.leaveOutAll(LEFT_OUT.phone, ['phone_number', 'phone_verified']);
    draft.leaveOutAll(LEFT_OUT.factors, ['multifactor', 'mfa_factors', 'multifactor_last_modified']);
    draft.leaveOutAll(LEFT_OUT.identities, ['identities']);
    draft.leaveOutAll(LEFT_OUT.times, ['updated_at', 'last_login', 'last_ip', 'logins_count', 'last_password_reset']);
    draft.leaveOutAll(LEFT_OUT.internal, [
      '_id',
      'tenant',
      'connection',
      '_tmp_is_unique',
      'password_set_date',
      'version',
    ]);
  },
};

function password(draft: Draft): void {
  for (const field of ['passwordHash', 'password_hash']) {
    const hash = draft.take(field);
    if (hash !== undefined) draft.password(field, asItIs(hash));
  }
  const custom = draft.take('custom_password_hash');
  if (custom !== undefined) draft.password('custom_password_hash', customHash(objectOf(custom) ?? {}));
}

function customHash(custom: Record<string, unknown>): HashText {
  const { algorithm, hash, password: typed } = custom;
  const encoding = isObject(typed) ? (typed['encoding'] ?? 'utf8') : 'utf8';
  if (!isObject(hash) || typeof hash['value'] !== 'string') return malformed('password');
  if (encoding !== 'utf8' && encoding !== 'ascii') return unsupported(`password in ${String(encoding)}`);
  const digest = decode(hash['value'], hash['encoding'] === 'hex' ? 'hex' : 'base64');
  if (algorithm === 'argon2' || algorithm === 'bcrypt') return asItIs(hash['value']);
  if (algorithm === 'pbkdf2') return pbkdf2OfPhc(hash['value']);
  if (algorithm === 'scrypt') {
    const { cost = 16_384, blockSize = 8, parallelization = 1 } = custom;
    return scrypt({ N: cost, r: blockSize, p: parallelization }, saltOf(custom).bytes, digest);
  }
  if (typeof algorithm !== 'string' || !isShaFunction(algorithm)) return unsupported(String(algorithm));
  const { bytes, position } = saltOf(custom);
  return saltedSha(algorithm, position, bytes, digest);
}

function saltOf({ salt }: Record<string, unknown>): { bytes: Buffer | undefined; position: 'prefix' | 'suffix' } {
  if (!isObject(salt)) return { bytes: undefined, position: 'prefix' };
  const { value, encoding, position } = salt;
  const bytes = decode(value, encoding === 'hex' || encoding === 'base64' ? encoding : 'utf8');
  return { bytes, position: position === 'suffix' ? 'suffix' : 'prefix' };
}
