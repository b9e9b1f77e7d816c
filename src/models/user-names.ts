import type { Document } from 'mongodb';
import type { Types } from 'mongoose';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import { nameKey } from '../lib/names.ts';
import { hashesOf, openText, seal } from './sensitive.ts';
import { User, type UserRecord } from './user.ts';

/** How names of accounts are written: in clear, or sealed by the keyring (`ENCRYPT_NAMES`). Both are read. */
export interface NameKeeping {
  readonly keyring: Keyring;
  readonly encrypted: boolean;
}

export const NAMES = ['firstName', 'lastName'] as const;
export type NameField = (typeof NAMES)[number];

/** Names as they are shown. */
export type Names = { readonly [N in NameField]?: string };

const SEALED = { firstName: 'sealedFirstName', lastName: 'sealedLastName' } as const;
const KEYS = { firstName: 'firstNameKey', lastName: 'lastNameKey' } as const;

/** The paths in which an account keeps its names, in whichever way. */
export const NAME_PATHS = NAMES.flatMap((name) => [name, SEALED[name], KEYS[name]] as const);

/** What is read of an account for its names. */
type StoredNames = Pick<UserRecord, '_id'> & Partial<Pick<UserRecord, (typeof NAME_PATHS)[number]>>;

/** The projection that gives them. */
export const NAMES_READ = Object.fromEntries(NAMES.flatMap((name) => [name, SEALED[name]]).map((path) => [path, 1]));

function openName(keyring: Keyring, user: StoredNames, name: NameField): string | undefined {
  const sealed = SEALED[name];
  return (user[sealed] == null ? user[name] : openText(keyring, User, user, sealed)) ?? undefined;
}

function shownName(keyring: Keyring, user: StoredNames, name: NameField): string | undefined {
  try {
    return openName(keyring, user, name);
  } catch (error) {
    if (error instanceof DecryptionError) return undefined;
    throw error;
  }
}

const namesBy = (open: typeof openName, keyring: Keyring, user: StoredNames): Names =>
  Object.fromEntries(
    NAMES.flatMap((name) => {
      const text = open(keyring, user, name);
      return text === undefined ? [] : [[name, text]];
    }),
  );

/** The names of an account. @throws DecryptionError for one that the keyring does not open */
export const openNames = (keyring: Keyring, user: StoredNames): Names => namesBy(openName, keyring, user);

/** The same where they are only shown: one that does not open is left out, and the rest of the account is there. */
export const namesOf = (keyring: Keyring, user: StoredNames): Names => namesBy(shownName, keyring, user);

/** An account as it is stored, but for its names, which are told by `names` however they are kept. */
export function withNames<U extends Document>(user: U, names: Names): U {
  const kept: ReadonlySet<string> = new Set(NAME_PATHS);
  const others = Object.entries(user).filter(([path]) => !kept.has(path));
  return { ...Object.fromEntries(others), ...names } as U;
}

/** What a change sets, and what it removes. */
interface Change {
  readonly set: Readonly<Record<string, unknown>>;
  readonly unset: readonly string[];
}

/** A change of the account of that id in its stored form: a name takes the place of however it was kept before. */
export function keepNames({ keyring, encrypted }: NameKeeping, id: Types.ObjectId, { set, unset }: Change) {
  const stored: Record<string, unknown> = { ...set };
  const removed = new Set(unset);
  for (const name of NAMES) {
    const text = set[name];
    if (typeof text !== 'string') {
      if (removed.has(name)) removed.add(SEALED[name]).add(KEYS[name]);
      continue;
    }
    if (encrypted) {
      delete stored[name];
      Object.assign(stored, seal(keyring, User, id, { [SEALED[name]]: text }));
    } else stored[KEYS[name]] = nameKey(text);
    removed.add(encrypted ? name : SEALED[name]);
  }
  return { set: stored, unset: Object.fromEntries([...removed].map((path) => [path, 1 as const])) };
}

/** What brings the names of an account into the form that is written now; undefined where they are in it. */
export function namesToKeep({ keyring, encrypted }: NameKeeping, user: StoredNames) {
  const others = NAMES.filter((name) => user[encrypted ? name : SEALED[name]] != null);
  if (others.length === 0) return undefined;
  const set = Object.fromEntries(others.map((name) => [name, openName(keyring, user, name)]));
  return keepNames({ keyring, encrypted }, user._id, { set, unset: [] });
}

/** The hashes that whoever is called so is found by, where names are sealed. */
export const nameHashes = (keyring: Keyring, name: NameField, text: string): string[] =>
  hashesOf(keyring, User, SEALED[name], text);
