import { Types } from 'mongoose';
import { and, type DocumentModel, type Filter, type StoredDocument } from './document.ts';

/** Documents of another collection as somebody may see them. */
export interface Target {
  readonly model: DocumentModel;
  /** What is shown at all, and to whoever asks. */
  readonly filter: Filter;
  readonly projection: Filter;
}

/** What a request included: the others, each once, and which of them belong to which document. */
export interface Included {
  readonly documents: StoredDocument[];
  /** Only where a junction says so: document id → its links. */
  readonly links?: ReadonlyMap<string, StoredDocument[]>;
}

const hexOf = (id: unknown): string => String(id);

/** The parents of documents, by the path that refers to them: one query. */
export async function includeParents(
  documents: readonly StoredDocument[],
  path: string,
  { model, filter, projection }: Target,
): Promise<Included> {
  const ids = new Map(documents.flatMap(({ [path]: id }) => (id instanceof Types.ObjectId ? [[hexOf(id), id]] : [])));
  if (ids.size === 0) return { documents: [] };
  const found = model.collection.find(and({ _id: { $in: [...ids.values()] } }, filter) as never, { projection });
  return { documents: (await found.toArray()) as StoredDocument[] };
}

/** A many-to-many relation: documents of `junction`, each with the ids of two others. */
export interface Junction {
  readonly model: DocumentModel;
  /** The path that refers to the documents at hand. */
  readonly from: string;
  /** The path that refers to the others. */
  readonly to: string;
}

/** Links of one document at the most, so that an answer with all of them stays one of a bearable length. */
export const MAX_LINKS = 100;

/** The others that a junction links documents to: one query, whatever their number. */
export async function includeLinked(
  documents: readonly StoredDocument[],
  { model, from, to }: Junction,
  { model: other, filter, projection }: Target,
): Promise<Included> {
  if (documents.length === 0) return { documents: [], links: new Map() };
  const pipeline = [
    { $match: { [from]: { $in: documents.map(({ _id }) => _id) } } },
    {
      $lookup: {
        from: other.collection.collectionName,
        localField: to,
        foreignField: '_id',
        as: 'other',
        pipeline: [{ $match: filter }, { $project: projection }],
      },
    },
    { $unwind: '$other' },
  ];
  const links = new Map<string, StoredDocument[]>();
  const others = new Map<string, StoredDocument>();
  for await (const link of model.collection.aggregate<StoredDocument>(pipeline)) {
    const target = link['other'] as StoredDocument;
    others.set(hexOf(target._id), target);
    const key = hexOf(link[from]);
    links.set(key, [...(links.get(key) ?? []), link]);
  }
  return { documents: [...others.values()], links };
}
