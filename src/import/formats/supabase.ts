/**
 * Supabase: the rows of `auth.users`, as JSON (an object a line, `select to_jsonb(u) from auth.users u`) or as CSV with
 * a header (`copy … to stdout csv header`).
 * https://supabase.com/docs/guides/auth/managing-user-data
 */
import type { Draft } from './draft.ts';
import { firebaseHash } from './firebase-hash-config.ts';
import { type ForeignFormat, type FormatOptions, LEFT_OUT } from './format.ts';
import { asItIs, type HashText, malformed } from './hashes.ts';
import { isOver, objectOf, textOf, timeOf } from './values.ts';

/** What its server itself puts into the metadata of a user, and what stands elsewhere in a row. */
const OF_THE_SERVER = new Set(['sub', 'iss', 'email', 'email_verified', 'phone_verified', 'provider_id', 'user_name']);
const NAMES = new Set(['first_name', 'given_name', 'last_name', 'family_name', 'full_name', 'name']);
const PICTURES = new Set(['avatar_url', 'picture']);

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
    const { provider: _, providers: __, ...applications } = objectOf(draft.take('raw_app_meta_data')) ?? {};
    draft.keepMembersForApplication('raw_app_meta_data', applications);
    userMetadata(draft);
    draft.leaveOutAll(LEFT_OUT.phone, ['phone', 'phone_confirmed_at', 'phone_change']);
    draft.leaveOutAll(LEFT_OUT.roles, ['role', 'is_super_admin', 'aud']);
    draft.leaveOutAll(LEFT_OUT.times, ['updated_at', 'last_sign_in_at', 'confirmed_at', 'invited_at']);
    const tokens = draft.rest().filter((field) => /(_token|_token_.+|_sent_at|_status|_change)$/.test(field));
    draft.leaveOutAll(LEFT_OUT.signIn, tokens);
    draft.leaveOutAll(LEFT_OUT.internal, ['instance_id', 'is_sso_user', 'is_anonymous']);
  },
};

function status(draft: Draft): void {
  if (draft.take('deleted_at') !== undefined)
    draft.refuse({ pointer: '/status', code: 'not-allowed', detail: 'is deleted there' });
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

function userMetadata(draft: Draft): void {
  const metadata = objectOf(draft.take('raw_user_meta_data')) ?? {};
  const member = (key: string): [string, unknown] => [`raw_user_meta_data.${key}`, metadata[key] || undefined];
  for (const [key, to] of [
    ['first_name', 'firstName'],
    ['given_name', 'firstName'],
    ['last_name', 'lastName'],
    ['family_name', 'lastName'],
    ['avatar_url', 'avatarUrl'],
    ['picture', 'avatarUrl'],
  ] as const) {
    const [from, value] = member(key);
    if (value !== undefined && !draft.has(to)) draft.put(from, to, value);
  }
  const [from, whole] = metadata['full_name'] ? member('full_name') : member('name');
  if (whole !== undefined) draft.putWholeName(from, whole);
  const others = Object.entries(metadata).filter(
    ([key]) => !OF_THE_SERVER.has(key) && !NAMES.has(key) && !PICTURES.has(key),
  );
  draft.keepMembers('raw_user_meta_data', Object.fromEntries(others));
}
