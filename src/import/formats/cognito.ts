/**
 * Amazon Cognito: what `aws cognito-idp list-users` answers, or CSV with the header that `get-csv-header` tells. Cognito
 * hands out no password hashes, so accounts come without a password.
 * https://docs.aws.amazon.com/cli/latest/reference/cognito-idp/list-users.html
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html
 */
import { type ForeignFormat, LEFT_OUT } from './format.ts';
import { booleanOf, isObject, suspendedUnless, timeOf } from './values.ts';

/** Of an application's own attributes. */
const CUSTOM = /^(?:custom|dev:custom):(.+)$/;

export const cognito: ForeignFormat = {
  name: 'cognito',
  list: 'Users',
  csv: true,
  flatten({ Attributes: attributes, ...others }) {
    const strange: unknown[] = [];
    const fields = new Map<string, unknown>([...Object.entries(others), ['Attributes', strange]]);
    for (const attribute of [attributes ?? []].flat()) {
      const { Name: name, Value: value } = isObject(attribute) ? attribute : {};
      // What Cognito itself says of an account stands beside its attributes, and counts for more.
      if (typeof name === 'string' && !fields.has(name)) fields.set(name, value);
      else strange.push(attribute);
    }
    return Object.fromEntries(fields);
  },
  read(draft) {
    draft.move('email', 'email');
    draft.move('email_verified', 'emailVerified', booleanOf);
    draft.move('given_name', 'firstName');
    draft.move('family_name', 'lastName');
    draft.moveWholeName('name');
    draft.move('picture', 'avatarUrl');
    draft.move('Enabled', 'status', suspendedUnless);
    draft.move('UserCreateDate', 'createdAt', timeOf);
    draft.keepForApplication('sub', 'externalId');
    draft.keep('Username', 'username');
    draft.keep('cognito:username', 'username');
    for (const field of draft.rest()) {
      const custom = CUSTOM.exec(field)?.[1];
      if (custom !== undefined) draft.keepForApplication(field, custom);
      else if (PROFILE.has(field)) draft.keep(field, field);
    }
    draft.leaveOutAll(LEFT_OUT.phone, ['phone_number', 'phone_number_verified']);
    draft.leaveOutAll(LEFT_OUT.factors, [
      'MFAOptions',
      'cognito:mfa_enabled',
      'PreferredMfaSetting',
      'UserMFASettingList',
    ]);
    draft.leaveOutAll(LEFT_OUT.identities, ['identities']);
    draft.leaveOutAll(LEFT_OUT.times, ['UserLastModifiedDate', 'updated_at']);
    draft.leaveOutAll(LEFT_OUT.internal, ['UserStatus']);
  },
};

/** Standard claims that have no field of their own here. */
const PROFILE = new Set([
  'address',
  'birthdate',
  'gender',
  'locale',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'website',
  'zoneinfo',
]);
