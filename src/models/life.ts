import { type IndexDefinition, type IndexOptions, Schema, type Types } from 'mongoose';

/**
 * What every document of a team's own collections has: its times, the revision that its ETag is made of, and where it
 * stands in its life. It is soft-deleted, restorable until `purgeAt`, and then removed for good.
 */
export const LIFE_FIELDS = {
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
  /** Moves with each change, also of what a reader is not shown. */
  revision: { type: Number, required: true },
  deletedAt: { type: Date },
  /** Until then it can be restored; from then on it is removed for good. */
  purgeAt: { type: Date },
  /** The document whose deletion took this one along; it comes back with that one, and not before. */
  deletedWith: { type: Schema.Types.ObjectId },
  /** What belongs to it has still to follow its deletion or its restoration. Absent once that is done. */
  settling: { type: Boolean },
  /** Moves with each document that comes to refer to this one, so that this conflicts with its deletion. */
  childrenRevision: { type: Number },
} as const;

/** A document that is not deleted. */
export const LIVE = { deletedAt: { $exists: false } } as const;

/** A document with these fields, as it is read lean. */
export interface LivingDocument {
  readonly _id: Types.ObjectId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly revision: number;
  readonly deletedAt?: Date;
  readonly purgeAt?: Date;
  readonly deletedWith?: Types.ObjectId;
  readonly [path: string]: unknown;
}

/** Whether its documents live by `LIFE_FIELDS`, or just as long as what they belong to. */
export const hasLife = ({ schema }: { readonly schema: Pick<Schema, 'path'> }): boolean =>
  schema.path('deletedWith') !== undefined;

/** Whether what belongs to its documents follows their deletion: that of accounts does, too. */
export const isFollowed = ({ schema }: { readonly schema: Pick<Schema, 'path'> }): boolean =>
  schema.path('settling') !== undefined;

interface Indexed {
  index(fields: IndexDefinition, options: IndexOptions): unknown;
}

/** Indexes for what the schedule looks for: what is to be purged, what has still to follow, what comes back with what. */
export function addLifeIndexes(schema: Indexed, collectionName: string): void {
  const add = (key: Record<string, 1>, path: string, name: string) =>
    schema.index(key, {
      name: `idx_${collectionName}_${name}`,
      // Few documents are deleted: the others cost these indexes nothing.
      partialFilterExpression: { [path]: { $exists: true } },
    });
  add({ purgeAt: 1 }, 'purgeAt', 'purge_at');
  add({ settling: 1, _id: 1 }, 'settling', 'settling');
  add({ deletedWith: 1, _id: 1 }, 'deletedWith', 'deleted_with');
}
