/**
 * Keycloak: a realm with its users, or one of the files of users beside it, as `kc.sh export` writes them.
 * https://www.keycloak.org/server/importExport
 */
import type { Draft } from './draft.ts';
import { type ForeignFormat, LEFT_OUT } from './format.ts';
import { asItIs, decode, type HashText, malformed, pbkdf2, unsupported } from './hashes.ts';
import { objectOf, suspendedUnless, timeOf } from './values.ts';

export const keycloak: ForeignFormat = {
  name: 'keycloak',
  list: 'users',
  read(draft) {
    draft.move('email', 'email');
    draft.move('emailVerified', 'emailVerified');
    draft.move('firstName', 'firstName');
    draft.move('lastName', 'lastName');
    draft.move('enabled', 'status', suspendedUnless);
    draft.move('createdTimestamp', 'createdAt', timeOf);
    credentials(draft);
    draft.keepForApplication('id', 'externalId');
    draft.keep('username', 'username');
    draft.keepMembersForApplication('attributes', attributes(draft.takeMembers('attributes')));
    draft.leaveOutAll(LEFT_OUT.roles, ['realmRoles', 'clientRoles', 'groups', 'applicationRoles']);
    draft.leaveOutAll(LEFT_OUT.identities, ['federatedIdentities', 'federationLink', 'socialLinks']);
    draft.leaveOutAll(LEFT_OUT.signIn, ['requiredActions', 'clientConsents', 'notBefore', 'serviceAccountClientId']);
    draft.leaveOutAll(LEFT_OUT.internal, ['totp', 'disableableCredentialTypes', 'access', 'origin', 'self']);
  },
};

/** Each attribute is a list; one of a single value is that value. */
const attributes = (lists: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(lists).map(([key, list]) => [key, Array.isArray(list) && list.length === 1 ? list[0] : list]),
  );

function credentials(draft: Draft): void {
  for (const credential of draft.takeObjects('credentials')) {
    const { type } = credential;
    const field = `credentials.${String(type)}`;
    if (type === 'password') draft.password(field, hashOf(credential));
    // Hashes that were used before, so that nobody takes one of them again.
    else draft.leaveOut(field, type === 'password-history' ? LEFT_OUT.signIn : LEFT_OUT.factors);
  }
}

/** The two hold JSON as text. */
function hashOf({ secretData, credentialData }: Record<string, unknown>): HashText {
  const [secret, data] = [objectOf(secretData), objectOf(credentialData)];
  if (secret === undefined || data === undefined) return malformed('password');
  const { algorithm, hashIterations } = data;
  const [salt, digest] = [decode(secret['salt'], 'base64'), decode(secret['value'], 'base64')];
  if (algorithm === 'argon2') return argon2(data, salt, digest);
  if (algorithm === 'bcrypt') return asItIs(secret['value']);
  if (algorithm === 'pbkdf2') return pbkdf2('sha1', hashIterations, salt, digest);
  const [, hash] = /^pbkdf2-(sha\d+)$/.exec(String(algorithm)) ?? [];
  return hash === undefined ? unsupported(String(algorithm)) : pbkdf2(hash, hashIterations, salt, digest);
}

function argon2(data: Record<string, unknown>, salt: Buffer | undefined, digest: Buffer | undefined): HashText {
  const parameters = objectOf(data['additionalParameters']) ?? {};
  const first = (name: string): unknown => (Array.isArray(parameters[name]) ? parameters[name][0] : undefined);
  const version = first('version') === '1.0' ? 16 : 19;
  if (salt === undefined || digest === undefined) return malformed('argon2');
  const [saltText, digestText] = [salt, digest].map((bytes) => bytes.toString('base64').replaceAll('=', ''));
  const cost = `m=${first('memory')},t=${data['hashIterations']},p=${first('parallelism')}`;
  return { text: `$argon2${first('type')}$v=${version}$${cost}$${saltText}$${digestText}` };
}
