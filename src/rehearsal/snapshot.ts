import { createHash } from 'node:crypto';
import { BSON, type Db } from 'mongodb';
import { readShape, type Shape } from '../schema-check/shape.ts';

interface Fingerprint {
  readonly hash: string;
  /** From then on a TTL index may remove the document, which is nobody's doing. */
  readonly expiresAt?: number;
}

/** Collection → id → document, as a hash: a rehearsal compares contents and need not keep them. */
type Documents = ReadonlyMap<string, ReadonlyMap<string, Fingerprint>>;

export interface Snapshot {
  readonly shape: Shape;
  readonly documents: Documents;
}

export interface DocumentChanges {
  readonly collection: string;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

export async function takeSnapshot(db: Db): Promise<Snapshot> {
  const shape = await readShape(db);
  const documents = new Map<string, Map<string, Fingerprint>>();
  for (const name of shape.keys()) documents.set(name, await fingerprints(db, name));
  return { shape, documents };
}

async function fingerprints(db: Db, name: string): Promise<Map<string, Fingerprint>> {
  const found = new Map<string, Fingerprint>();
  for await (const document of db.collection(name).find({}, { promoteValues: false })) {
    const { _id, expiresAt } = document;
    found.set(BSON.EJSON.stringify({ _id }, { relaxed: false }), {
      hash: createHash('sha256').update(BSON.serialize(document)).digest('base64url'),
      ...(expiresAt instanceof Date && { expiresAt: expiresAt.getTime() }),
    });
  }
  return found;
}

/** What became of the documents between two snapshots, by collection; those without a change are left out. */
export function documentChanges(before: Snapshot, after: Snapshot): DocumentChanges[] {
  const now = Date.now();
  const names = new Set([...before.documents.keys(), ...after.documents.keys()]);
  return [...names].flatMap((collection) => {
    const [old, current] = [before.documents.get(collection), after.documents.get(collection)];
    const removed = [...(old ?? [])].filter(
      ([id, { expiresAt = Number.POSITIVE_INFINITY }]) => expiresAt > now && !current?.has(id),
    );
    const added = [...(current ?? [])].filter(([id]) => !old?.has(id));
    const changed = [...(current ?? [])].filter(([id, { hash }]) => old?.has(id) && old.get(id)?.hash !== hash);
    const counts = { added: added.length, changed: changed.length, removed: removed.length };
    return counts.added + counts.changed + counts.removed > 0 ? [{ collection, ...counts }] : [];
  });
}
