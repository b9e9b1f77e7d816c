import { type ClientSession, type InferSchemaType, model, Schema, type Types } from 'mongoose';

/** So long after an entry was shipped it goes; what nobody ships goes after the same time. */
export const JOURNAL_DAYS = 7;
export const JOURNAL_MS = JOURNAL_DAYS * 86_400_000;

/**
 * What documents were after each change, written in the transaction of the change: the state of any moment is the last
 * image of each document before it. All entries of a transaction have its id and its time.
 */
const journalSchema = new Schema(
  {
    transactionId: { type: Schema.Types.ObjectId, required: true },
    /** When the transaction was about to commit, by the clock of the service. */
    at: { type: Date, required: true },
    collection: { type: String, required: true, maxlength: 64 },
    /** Of any type that an `_id` has. */
    documentId: { type: Schema.Types.Mixed, required: true },
    /** Counts the changes of that document: of several images the one with the highest is the last. */
    revision: { type: Number, required: true },
    /** The document after the change. Absent once it is removed. */
    image: { type: Object },
    /** Accounts that the image names, and the account that it is: they take it along when they are erased. */
    accounts: { type: [{ type: Schema.Types.ObjectId }], default: undefined },
    /** Always true, until it stands beside the backups: an index finds what is still to be shipped. */
    unshipped: { type: Boolean },
    /** Absent until it has been shipped: nothing goes that stands nowhere else. */
    expiresAt: { type: Date },
  },
  { collection: 'journal', versionKey: false, suppressReservedKeysWarning: true },
);

journalSchema.index(
  { collection: 1, documentId: 1, revision: 1 },
  { name: 'idx_journal_collection_document_id_revision' },
);
journalSchema.index(
  { accounts: 1, _id: 1 },
  { name: 'idx_journal_accounts', partialFilterExpression: { accounts: { $exists: true } } },
);
// Of that collection alone: each write of any other pays for every index.
journalSchema.index(
  { 'image.email': 1, _id: 1 },
  {
    name: 'idx_journal_image_email',
    partialFilterExpression: { collection: 'invitations', 'image.email': { $exists: true } },
  },
);
journalSchema.index(
  { unshipped: 1, at: 1, _id: 1 },
  { name: 'idx_journal_unshipped_at', partialFilterExpression: { unshipped: { $exists: true } } },
);
journalSchema.index({ expiresAt: 1 }, { name: 'idx_journal_expires_at', expireAfterSeconds: 0 });

export const Journal = model('Journal', journalSchema);

export type JournalEntry = InferSchemaType<typeof journalSchema> & { _id: Types.ObjectId };

/** Removes images that name an account that is gone. Those of what belonged to it go where that is removed. */
export async function forgetAccount(tx: ClientSession, account: Types.ObjectId): Promise<void> {
  await Journal.deleteMany({ accounts: { $exists: true, $eq: account } }, { session: tx });
}

/** Removes images of a collection whose documents are somebody's by their email, those of documents that are gone too. */
export async function forgetEmail(tx: ClientSession, collection: string, email: string): Promise<void> {
  await Journal.deleteMany({ collection, 'image.email': { $exists: true, $eq: email } }, { session: tx });
}

/** Removes a value from the images of documents that stay: whatever else they were at a moment, they were. */
export async function forgetInImages(
  tx: ClientSession,
  { collectionName: collection }: { readonly collectionName: string },
  ids: readonly Types.ObjectId[],
  path: string,
): Promise<void> {
  const images = { collection, documentId: { $in: [...ids] } };
  await Journal.updateMany(images, { $unset: { [`image.${path}`]: 1 } }, { session: tx });
}

/** Notes that entries stand beside the backups: from now on their time runs. */
export async function markShipped(tx: ClientSession, ids: readonly Types.ObjectId[]): Promise<void> {
  const expiresAt = new Date(Date.now() + JOURNAL_MS);
  await Journal.updateMany({ _id: { $in: ids } }, { $set: { expiresAt }, $unset: { unshipped: 1 } }, { session: tx });
}

/** What has been due for shipping so long that nobody does it. */
const outdated = (now: Date) => ({ unshipped: { $exists: true }, at: { $lte: new Date(now.getTime() - JOURNAL_MS) } });

/** Removes what is older, where nobody ships. @returns how many entries */
export async function dropUnshipped(now = new Date()): Promise<number> {
  return (await Journal.deleteMany(outdated(now))).deletedCount;
}

/** How many entries that would be. */
export const countUnshipped = (now = new Date()): Promise<number> => Journal.countDocuments(outdated(now));
