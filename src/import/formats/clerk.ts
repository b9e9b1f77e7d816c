/**
 * Clerk: the CSV that its dashboard exports under Settings, "Export all users", or a list of users as its API answers
 * (without hashes).
 * https://clerk.com/docs/guides/development/migrating/overview
 */

import type { Draft } from './draft.ts';
import { firebaseHash } from './firebase-hash-config.ts';
import { type ForeignFormat, type FormatOptions, LEFT_OUT } from './format.ts';
import { asItIs, type HashText, malformed, pbkdf2InFour, scryptOfWerkzeug, unsupported } from './hashes.ts';
import { objectOf, suspendedWhen, textOf, timeOf } from './values.ts';

const ONE_EMAIL = 'an account has one email';

export const clerk: ForeignFormat = {
  name: 'clerk',
  csv: true,
  read(draft, options) {
    email(draft);
    draft.move('first_name', 'firstName');
    draft.move('last_name', 'lastName');
    draft.move('image_url', 'avatarUrl');
    draft.move('banned', 'status', suspendedWhen);
    draft.move('created_at', 'createdAt', timeOf);
    const [digest, hasher] = [draft.take('password_digest'), draft.take('password_hasher')];
    if (digest !== undefined) draft.password('password_digest, password_hasher', hashOf(digest, hasher, options));
    else if (hasher !== undefined) draft.leaveOut('password_hasher', LEFT_OUT.noHash);
    draft.keepForApplication('id', 'externalId');
    draft.keepForApplication('external_id', 'external_id');
    draft.keep('username', 'username');
    for (const field of ['public_metadata', 'private_metadata'])
      draft.keepMembersForApplication(field, draft.takeMembers(field));
    draft.keepMembers('unsafe_metadata', draft.takeMembers('unsafe_metadata'));
    draft.leaveOutAll(LEFT_OUT.signIn, ['locked', 'lockout_expires_in_seconds']);
    draft.leaveOutAll(
      LEFT_OUT.phone,
      draft.rest().filter((field) => field.includes('phone')),
    );
    draft.leaveOutAll(LEFT_OUT.factors, [
      'totp_secret',
      'totp_enabled',
      'backup_code_enabled',
      'two_factor_enabled',
      'passkeys',
    ]);
    draft.leaveOutAll(LEFT_OUT.identities, [
      'external_accounts',
      'saml_accounts',
      'enterprise_accounts',
      'web3_wallets',
    ]);
    draft.leaveOutAll(LEFT_OUT.times, ['updated_at', 'last_sign_in_at', 'last_active_at', 'password_last_updated_at']);
    draft.leaveOutAll(LEFT_OUT.internal, ['object', 'profile_image_url', 'has_image', 'password_enabled']);
  },
};

/** CSV has the primary address in one column and all of them in two others; JSON has a list with the state of each. */
function email(draft: Draft): void {
  draft.move('primary_email_address', 'email');
  proof(draft, 'verified_email_addresses', true);
  proof(draft, 'unverified_email_addresses', false);
  const primaryId = draft.take('primary_email_address_id');
  if (primaryId !== undefined) draft.leaveOut('primary_email_address_id', LEFT_OUT.internal);
  for (const address of draft.takeObjects('email_addresses')) {
    if (address['id'] === primaryId) {
      draft.put('email_addresses', 'email', address['email_address']);
      draft.put('email_addresses', 'emailVerified', objectOf(address['verification'])?.['status'] === 'verified');
    } else draft.leaveOut('email_addresses', ONE_EMAIL);
  }
}

function proof(draft: Draft, field: string, isProven: boolean): void {
  const cell = draft.take(field);
  const addresses = (textOf(cell) ?? '').split(/[|,;\s]+/).filter(Boolean);
  if (cell !== undefined && addresses.length === 0) draft.leaveOut(field, 'holds no address');
  for (const address of addresses)
    if (address === draft.textOf('email')) draft.put(field, 'emailVerified', isProven);
    else draft.leaveOut(field, ONE_EMAIL);
}

/** https://clerk.com/docs/reference/backend-api/tag/users/POST/users says how each hasher writes its digests. */
function hashOf(digest: unknown, hasher: unknown, options: FormatOptions): HashText {
  const text = textOf(digest);
  if (text === undefined) return malformed('password');
  switch (hasher) {
    case 'bcrypt':
    case 'argon2i':
    case 'argon2id':
      return asItIs(text);
    case 'pbkdf2_sha256':
    case 'pbkdf2_sha512':
      return pbkdf2InFour(text, 'base64', 'base64');
    case 'pbkdf2_sha256_django':
      return pbkdf2InFour(text, 'utf8', 'base64');
    case 'pbkdf2_sha1':
      return pbkdf2InFour(text, 'utf8', 'hex');
    case 'scrypt_werkzeug':
      return scryptOfWerkzeug(text);
    case 'scrypt_firebase':
      return scryptFirebase(text, options);
    default:
      return unsupported(String(hasher));
  }
}

/** `digest$salt$signerKey$saltSeparator$rounds$memCost`. */
function scryptFirebase(text: string, { firebaseKey }: FormatOptions): HashText {
  const [hash, salt, signerKey = '', saltSeparator = '', rounds, memCost, ...others] = text.split('$');
  if (others.length > 0) return malformed('Firebase scrypt');
  const config = { signerKey, saltSeparator, rounds: Number(rounds), memCost: Number(memCost) };
  return firebaseHash(config, { salt, hash, knownKey: firebaseKey });
}
