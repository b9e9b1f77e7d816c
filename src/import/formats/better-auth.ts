/**
 * Better Auth: the rows of its table `user` as JSON, each with its rows of `account` as `accounts`. docs/moving-in.md has
 * the statement that makes them.
 * https://www.better-auth.com/docs/concepts/database
 */
import type { Draft } from './draft.ts';
import { type ForeignFormat, LEFT_OUT } from './format.ts';
import { asItIs, decode, type HashText, malformed, scrypt } from './hashes.ts';
import { booleanOf, isOver, suspendedWhen, timeOf } from './values.ts';

export const betterAuth: ForeignFormat = {
  name: 'better-auth',
  flatten: camelCased,
  read(draft) {
    draft.move('email', 'email');
    draft.move('emailVerified', 'emailVerified', booleanOf);
    draft.moveWholeName('name');
    draft.move('image', 'avatarUrl');
    draft.move('createdAt', 'createdAt', timeOf);
    ban(draft);
    accounts(draft);
    for (const field of ['id', '_id']) draft.keepForApplication(field, 'externalId');
    draft.keep('username', 'username');
    draft.leaveOutAll(LEFT_OUT.phone, ['phoneNumber', 'phoneNumberVerified']);
    draft.leaveOutAll(LEFT_OUT.roles, ['role']);
    draft.leaveOutAll(LEFT_OUT.factors, ['twoFactorEnabled']);
    draft.leaveOutAll(LEFT_OUT.times, ['updatedAt', 'lastLoginMethod']);
    draft.leaveOutAll(LEFT_OUT.internal, ['displayUsername', 'isAnonymous', 'banReason']);
    // What is left are additional fields of the application, and of plugins.
    for (const field of draft.rest()) draft.keepForApplication(field, field);
  },
};

/** Its adapters write columns as `emailVerified` or as `email_verified`; where there are both, they stay as they are. */
function camelCased(record: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(record);
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const camel = key.replace(/(?<=[a-z])_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      return [Object.hasOwn(record, camel) ? key : camel, value];
    }),
  );
}

function ban(draft: Draft): void {
  const [banned, until] = [draft.take('banned'), draft.take('banExpires')];
  if (until !== undefined) draft.leaveOut('banExpires', 'a suspension here has no end');
  if (banned === undefined) return;
  if (until !== undefined && isOver(until)) draft.leaveOut('banned', 'is over');
  else draft.put('banned', 'status', suspendedWhen(banned));
}

function accounts(draft: Draft): void {
  for (const row of draft.takeObjects('accounts')) {
    const { providerId, password } = camelCased(row);
    if (providerId !== 'credential') draft.leaveOut('accounts', LEFT_OUT.identities);
    else if (password) draft.password('accounts.password', hashOf(password));
    else draft.leaveOut('accounts', 'holds no password');
  }
}

/** `salt:digest` in hexadecimal digits, of which the salt is used as that text; or what an application's own hasher makes. */
function hashOf(password: unknown): HashText {
  if (typeof password !== 'string' || password.startsWith('$')) return asItIs(password);
  const [, salt, digest] = /^([0-9a-f]+):([0-9a-f]+)$/i.exec(password) ?? [];
  if (salt === undefined) return malformed('password');
  return scrypt({ N: 16_384, r: 16, p: 1 }, decode(salt, 'utf8'), decode(digest, 'hex'));
}
