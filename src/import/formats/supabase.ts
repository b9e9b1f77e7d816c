/**
 * Supabase: the rows of `auth.users`, as JSON (an object a line, `select to_jsonb(u) from auth.users u`) or as CSV with
 * a header (`copy … to stdout csv header`).
 * https://supabase.com/docs/guides/auth/managing-user-data
 */
import type { Draft } from './draft.ts';
import { firebaseHash } from './firebase-hash-config.ts';
import { type ForeignFormat, type FormatOptions, LEFT_OUT } from './format.ts';
import { asItIs, type HashText, malformed } from './hashes.ts';
import { isOver, textOf, timeOf } from './values.ts';

/** What its server itself puts into the metadata of a user. */
const OF_THE_SERVER: ReadonlyMap<string, string> = new Map([
  ...['sub', 'iss', 'provider_id'].map((key) => [key, LEFT_OUT.identities] as const),
  ...['email', 'email_verified', 'phone_verified'].map((key) => [key, LEFT_OUT.elsewhere] as const),
]);
/** What people and their identity providers put there. Of two for one field, the first counts. */
const OF_PEOPLE = [
  ['first_name', 'firstName'],
  ['given_name', 'firstName'],
  ['last_name', 'lastName'],
  ['family_name', 'lastName'],
  ['avatar_url', 'avatarUrl'],
  ['picture', 'avatarUrl'],
] as const;
const WHOLE_NAMES = ['full_name', 'name'];

export const supabase: ForeignFormat = {
  name: 'supabase',
  csv: true,
  read(draft, options) {
    draft.move('email', 'email');
    if (draft.take('email_confirmed_at') !== undefined) draft.put('email_confirmed_at', 'emailVerified', true);
    draft.move('created_at', 'createdAt', timeOf);
    status(draft);
    const hash = draft.take('encrypted_password');
    if (hash !== undefined) draft.password('encrypted_password', hashOf(hash, options));
    draft.keepForApplication('id', 'externalId');
    appMetadata(draft);
    userMetadata(draft);
    draft.leaveOutAll(LEFT_OUT.phone, ['phone', 'phone_confirmed_at', 'phone_change']);
    draft.leaveOutAll(LEFT_OUT.roles, ['role', 'is_super_admin', 'aud']);
    draft.leaveOutAll(LEFT_OUT.times, ['updated_at', 'last_sign_in_at', 'confirmed_at', 'invited_at']);
    const tokens = draft.rest().filter((field) => /(_token|_token_.+|_sent_at|_status|_change)$/.test(field));
    draft.leaveOutAll(LEFT_OUT.signIn, tokens);
    draft.leaveOutAll(LEFT_OUT.internal, ['instance_id', 'is_sso_user', 'is_anonymous']);
  },
};

const DELETED = 'is deleted there';

function status(draft: Draft): void {
  if (draft.take('deleted_at') !== undefined) {
    draft.leaveOut('deleted_at', DELETED);
    draft.refuse({ pointer: '/status', code: 'not-allowed', detail: DELETED });
  }
  const until = draft.take('banned_until');
  if (until === undefined) return;
  if (isOver(until)) draft.leaveOut('banned_until', 'is over');
  else draft.put('banned_until', 'status', 'suspended');
}

function hashOf(hash: unknown, { firebaseKey }: FormatOptions): HashText {
  const text = textOf(hash);
  if (!text?.startsWith('$fbscrypt$')) return asItIs(hash);
  const pattern = /^\$fbscrypt\$v=1,n=(\d+),r=(\d+),p=1,ss=([^,$]*),sk=([^,$]+)\$([^$]+)\$([^$]+)$/;
  const [, memCost, rounds, saltSeparator = '', signerKey = '', salt, digest] = pattern.exec(text) ?? [];
  if (digest === undefined) return malformed('Firebase scrypt');
  const config = { signerKey, saltSeparator, rounds: Number(rounds), memCost: Number(memCost) };
  return firebaseHash(config, { salt, hash: digest, knownKey: firebaseKey });
}

function appMetadata(draft: Draft): void {
  const from = 'raw_app_meta_data';
  const { provider, providers, ...applications } = draft.takeMembers(from);
  for (const [key, value] of Object.entries({ provider, providers }))
    if (value !== undefined) draft.leaveOut(`${from}.${key}`, LEFT_OUT.identities);
  draft.keepMembersForApplication(from, applications);
}

function userMetadata(draft: Draft): void {
  const from = 'raw_user_meta_data';
  const members = new Map(Object.entries(draft.takeMembers(from)));
  const carry = (key: string, over: (field: string, value: unknown) => void): void => {
    if (members.has(key)) over(`${from}.${key}`, members.get(key));
    members.delete(key);
  };
  for (const [key, to] of OF_PEOPLE) carry(key, (field, value) => draft.put(field, to, value));
  for (const key of WHOLE_NAMES) carry(key, (field, value) => draft.putWholeName(field, value));
  for (const [key, reason] of OF_THE_SERVER) carry(key, (field) => draft.leaveOut(field, reason));
  draft.keepMembers(from, Object.fromEntries(members));
}
