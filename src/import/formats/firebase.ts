/**
 * Firebase Authentication: `firebase auth:export accounts.json --format=json`. Its hashes need the parameters of the
 * project, which the console shows under Authentication, Users, "Password hash parameters".
 * https://firebase.google.com/docs/cli/auth
 */
import type { Draft } from './draft.ts';
import { firebaseHash } from './firebase-hash-config.ts';
import { type ForeignFormat, type FormatOptions, LEFT_OUT } from './format.ts';
import type { HashText } from './hashes.ts';
import { suspendedWhen, timeOf } from './values.ts';

export const firebase: ForeignFormat = {
  name: 'firebase',
  list: 'users',
  read(draft, options) {
    draft.move('email', 'email');
    draft.move('emailVerified', 'emailVerified');
    draft.moveWholeName('displayName');
    draft.move('photoUrl', 'avatarUrl');
    draft.move('disabled', 'status', suspendedWhen);
    draft.move('createdAt', 'createdAt', timeOf);
    password(draft, options);
    draft.keepForApplication('localId', 'externalId');
    draft.leaveOutAll(LEFT_OUT.phone, ['phoneNumber']);
    draft.keepMembersForApplication('customAttributes', draft.takeMembers('customAttributes'));
    draft.leaveOutAll(LEFT_OUT.identities, ['providerUserInfo']);
    draft.leaveOutAll(LEFT_OUT.times, ['lastSignedInAt']);
  },
};

function password(draft: Draft, options: FormatOptions): void {
  const [hash, salt] = [draft.take('passwordHash'), draft.take('salt')];
  if (hash !== undefined) draft.password('passwordHash, salt', hashOf(hash, salt, options));
  else if (salt !== undefined) draft.leaveOut('salt', LEFT_OUT.noHash);
}

function hashOf(hash: unknown, salt: unknown, { firebaseHashConfig, firebaseKey }: FormatOptions): HashText {
  if (firebaseHashConfig === undefined)
    return { problem: 'The hash parameters of the project are not known: name them with --hash-config' };
  return firebaseHash(firebaseHashConfig, { salt, hash, knownKey: firebaseKey });
}
