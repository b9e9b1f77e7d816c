import { BSON, type Document } from 'mongodb';
import { BackupError } from '../backup/errors.ts';
import { entriesOf } from '../backup/journal/timeline.ts';
import type { BackupKeys } from '../backup/keys.ts';
import type { Storage } from '../backup/storage/storage.ts';
import { type AccountState, BELONGING_NAMES } from '../models/user-rewind.ts';
import { findPoint, type Wanted } from './point.ts';

/** A document, or that it is gone, by the count of its changes. */
interface Known {
  readonly revision: number;
  readonly image?: Document;
}

/**
 * What an account was like at a moment, read from the backup before it and the journal; no database is asked.
 * @throws {BackupError} when it was not there
 */
export async function accountAt(
  storage: Storage,
  keys: BackupKeys | undefined,
  wanted: Wanted,
  userId: string,
): Promise<AccountState & { readonly moment: Date }> {
  const { backup, journal, moment } = await findPoint(storage, keys, wanted);
  const found = new Found(userId);
  for (const name of ['users', ...BELONGING_NAMES])
    for await (const raw of backup.documents(name)) found.addDocument(name, BSON.deserialize(raw));
  for await (const raw of backup.documents('journal')) found.addEntry(BSON.deserialize(raw), moment);
  if (journal) for await (const raw of entriesOf(storage, journal, keys)) found.addEntry(BSON.deserialize(raw), moment);
  const [user] = found.documents('users');
  if (!user) throw new BackupError(`There was no account ${userId} at ${moment.toISOString()}.`);
  const belongings = Object.fromEntries(BELONGING_NAMES.map((name) => [name, found.documents(name)]));
  return { user, belongings, moment };
}

/** The documents of one account, of each the last one. */
class Found {
  readonly #userId: string;
  readonly #known = new Map<string, Map<string, Known>>(['users', ...BELONGING_NAMES].map((name) => [name, new Map()]));

  constructor(userId: string) {
    this.#userId = userId;
  }

  documents(collection: string): Document[] {
    return [...(this.#known.get(collection)?.values() ?? [])].flatMap(({ image }) => image ?? []);
  }

  addDocument(collection: string, document: Document): void {
    this.#add(collection, document['_id'], { revision: Number(document['journalRevision'] ?? 0), image: document });
  }

  addEntry({ collection, documentId, at, revision, image }: Document, until: Date): void {
    if (at <= until) this.#add(collection, documentId, { revision: Number(revision), ...(image && { image }) });
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
