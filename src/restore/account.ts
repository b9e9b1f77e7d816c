import { BSON, type Document, type WithId } from 'mongodb';
import { BackupError, BackupKeyError } from '../backup/errors.ts';
import type { BackupKeys } from '../backup/keys.ts';
import type { Storage } from '../backup/storage/storage.ts';
import { unreadableIn } from '../key-rotation/survey.ts';
import { encryptedCollections } from '../key-rotation/walk.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { UserRecord } from '../models/user.ts';
import { openNames, withNames } from '../models/user-names.ts';
import { type AccountState, BELONGING_NAMES } from '../models/user-rewind.ts';
import { entriesTo, findPoint, type Wanted } from './point.ts';

/** Collections that an account is in by itself. */
const OWN = ['users', ...BELONGING_NAMES];

/** A document, or that it is gone, by the count of its changes. */
interface Known {
  readonly revision: number;
  readonly image?: Document;
}

/**
 * What an account was like at a moment, read from the backup before it and the journal; no database is asked.
 * @throws {BackupError} when it was not there
 * @throws {BackupKeyError} when the keyring of today does not open what was encrypted then
 */
export async function accountAt(
  storage: Storage,
  keys: BackupKeys | undefined,
  wanted: Wanted & { readonly userId: string; readonly keyring: Keyring },
): Promise<AccountState & { readonly moment: Date }> {
  const { userId, keyring } = wanted;
  const point = await findPoint(storage, keys, wanted);
  const { backup, moment } = point;
  const found = new Found(userId);
  for (const name of OWN)
    for await (const raw of backup.documents(name)) found.addDocument(name, BSON.deserialize(raw));
  for await (const { entry, isPast } of entriesTo(point, storage, keys)) {
    const change = BSON.deserialize(entry);
    if (isPast || change['at'] <= moment) found.addEntry(change);
  }
  const [user] = found.documents('users');
  if (!user) throw new BackupError(`There was no account ${userId} at ${moment.toISOString()}.`);
  const belongings = Object.fromEntries(BELONGING_NAMES.map((name) => [name, found.documents(name)]));
  const all: Readonly<Record<string, readonly Document[]>> = { ...belongings, users: [user] };
  for (const encrypted of encryptedCollections())
    for (const document of all[encrypted.name] ?? []) {
      const wrong = unreadableIn(document as WithId<Document>, encrypted, keyring);
      if (wrong !== undefined) throw new BackupKeyError(`KEYRING does not open what would come back: ${wrong}.`);
    }
  return { user: withNames(user, openNames(keyring, user as UserRecord)), belongings, moment };
}

/** The documents of one account, of each the last one. */
class Found {
  readonly #userId: string;
  readonly #known = new Map<string, Map<string, Known>>(OWN.map((name) => [name, new Map()]));

  constructor(userId: string) {
    this.#userId = userId;
  }

  documents(collection: string): Document[] {
    return [...(this.#known.get(collection)?.values() ?? [])].flatMap(({ image }) => image ?? []);
  }

  addDocument(collection: string, document: Document): void {
    this.#add(collection, document['_id'], { revision: Number(document['journalRevision'] ?? 0), image: document });
  }

  addEntry({ collection, documentId, revision, image }: Document): void {
    this.#add(collection, documentId, { revision: Number(revision), ...(image && { image }) });
  }

  #add(collection: string, id: unknown, next: Known): void {
    const own = this.#known.get(collection);
    if (!own) return;
    const owner = collection === 'users' ? id : next.image?.['userId'];
    // Of what is gone only the id is told, which may be somebody else's: an older image must not come back behind it.
    if (next.image && String(owner) !== this.#userId) return;
    const before = own.get(String(id));
    if (!before || before.revision < next.revision) own.set(String(id), next);
  }
}
