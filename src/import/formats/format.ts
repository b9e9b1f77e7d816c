import type { Draft } from './draft.ts';
import type { FirebaseHashConfig } from './firebase-hash-config.ts';

/** How the export of another system is read. */
export interface ForeignFormat {
  readonly name: string;
  /**
   * The member that holds the list of accounts, where the system writes one JSON document with more around it. Without
   * one a JSON file is a list, or has an account a line.
   */
  readonly list?: string;
  /** Whether it can be CSV with a header, which the name of the file then tells. */
  readonly csv?: true;
  /** What it keeps in lists or under other names, as fields of the account. */
  flatten?(record: Record<string, unknown>): Record<string, unknown>;
  /** Carries an account over, field by field. What it does not look at is left out, and counted. */
  read(draft: Draft, options: FormatOptions): void;
}

export interface FormatOptions {
  /** `FIREBASE_SCRYPT_KEY`, in base64. */
  readonly firebaseKey?: string | undefined;
  /** Of the Firebase project that the file comes from. */
  readonly firebaseHashConfig?: FirebaseHashConfig | undefined;
  /** Accounts whose hash cannot be used come without a password instead of being refused. */
  readonly withoutUnusableHashes?: boolean | undefined;
  /** What people could not change about themselves there comes along, into metadata, where they can. */
  readonly includeAppMetadata?: boolean | undefined;
}

/** Why some kinds of fields have no place here. */
export const LEFT_OUT = Object.freeze({
  phone: 'there is no place for phone numbers',
  roles: 'roles are given here, not brought along',
  factors: 'second factors are set up anew',
  identities: 'an identity provider is linked at the next sign-in by it',
  signIn: 'serves signing in there',
  times: 'is kept anew here',
  internal: 'is of no use outside that system',
  elsewhere: 'stands in another field, too',
  noHash: 'there is no hash that it belongs to',
  application: 'people could not change it there, and could here',
});
