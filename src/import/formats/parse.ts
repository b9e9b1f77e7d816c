/**
 * Parse Server: its collection `_User`, as `mongoexport --collection _User` writes it.
 * https://docs.parseplatform.org/parse-server/guide/
 */

import type { Draft } from './draft.ts';
import { type ForeignFormat, LEFT_OUT } from './format.ts';
import { asItIs } from './hashes.ts';
import { isObject, textOf, timeOf } from './values.ts';

export const parse: ForeignFormat = {
  name: 'parse',
  read(draft) {
    email(draft);
    draft.move('emailVerified', 'emailVerified');
    draft.move('firstName', 'firstName');
    draft.move('lastName', 'lastName');
    draft.moveWholeName('name');
    draft.move('_created_at', 'createdAt', timeOf);
    const hash = draft.take('_hashed_password');
    if (hash !== undefined) draft.password('_hashed_password', asItIs(hash));
    draft.keepForApplication('_id', 'externalId');
    draft.leaveOutAll('access lists are kept by the application', ['_rperm', '_wperm', '_acl', 'ACL']);
    draft.leaveOutAll(LEFT_OUT.identities, [
      'authData',
      ...draft.rest().filter((field) => field.startsWith('_auth_data_')),
    ]);
    draft.leaveOutAll(LEFT_OUT.times, ['_updated_at', '_password_changed_at', '_password_history']);
    draft.leaveOutAll(
      'points to another collection',
      draft.rest().filter((field) => field.startsWith('_p_')),
    );
    draft.leaveOutAll(
      LEFT_OUT.signIn,
      draft.rest().filter((field) => field.startsWith('_') || field === 'sessionToken'),
    );
    // What is left are the columns of the application, which people can write in their own row.
    for (const field of draft.rest()) draft.keep(field, field, plain(draft.take(field)));
  },
};

/** A time as text; anything else as it is. */
const plain = (value: unknown): unknown => (isObject(value) && '$date' in value ? timeOf(value) : value);

/** Many applications have the email as the name of the user alone. Nobody has proven that one. */
function email(draft: Draft): void {
  draft.move('email', 'email');
  const username = draft.take('username');
  if (!draft.has('email') && textOf(username)?.includes('@')) {
    draft.put('username', 'email', username);
    draft.put('username', 'emailVerified', false);
  } else draft.keep('username', 'username', username);
}
