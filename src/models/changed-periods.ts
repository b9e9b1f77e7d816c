import mongoose from 'mongoose';
import type { Config } from '../config.ts';
import { livingModels } from './relations.ts';

const DAY_MS = 86_400_000;

/** So many documents are changed in one command. */
const BATCH = 1_000;

type Settings = Pick<
  Config,
  | 'DELETED_USER_RETENTION_DAYS'
  | 'DELETED_DOCUMENT_RETENTION_DAYS'
  | 'SESSION_LIFETIME_SECONDS'
  | 'SESSION_IDLE_SECONDS'
>;

/** Documents whose end was set by a period, and what it is by the period as it is now. */
interface Reset {
  readonly rule: string;
  readonly collection: string;
  readonly filter: Readonly<Record<string, unknown>>;
  readonly set: Readonly<Record<string, unknown>>;
}

const later = (path: string, ms: number) => ({ $add: [path, ms] });

/**
 * Where a period is written into documents when they are made. What was deleted and is due for its purge is not
 * touched: whoever lengthens the period does not bring back what was to be gone.
 */
function resets(config: Settings, now: Date): readonly Reset[] {
  const sessionEnd = later('$createdAt', config.SESSION_LIFETIME_SECONDS * 1000);
  return [
    {
      rule: 'deleted-accounts',
      collection: 'users',
      filter: { purgeAt: { $exists: true, $gt: now } },
      set: { purgeAt: later('$deletedAt', config.DELETED_USER_RETENTION_DAYS * DAY_MS) },
    },
    ...livingModels().map(({ collection }) => ({
      rule: 'deleted-documents',
      collection: collection.collectionName,
      filter: { purgeAt: { $exists: true, $gt: now } },
      set: { purgeAt: later('$deletedAt', config.DELETED_DOCUMENT_RETENTION_DAYS * DAY_MS) },
    })),
    {
      rule: 'sessions',
      collection: 'sessions',
      filter: { expiresAt: { $gt: now } },
      set: {
        expiresAt: sessionEnd,
        idleExpiresAt: { $min: [later('$lastUsedAt', config.SESSION_IDLE_SECONDS * 1000), sessionEnd] },
      },
    },
  ];
}

/**
 * Gives documents the end that they would have been given by the periods as they are now; in batches, while the service
 * runs. Indexes stay as they are. Safe to repeat.
 * @returns how many have another end now, by rule
 */
export async function applyPeriods(
  config: Settings,
  { dryRun = false, now = new Date() }: { readonly dryRun?: boolean; readonly now?: Date } = {},
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const reset of resets(config, now))
    counts[reset.rule] = (counts[reset.rule] ?? 0) + (await apply(reset, dryRun));
  return counts;
}

async function apply({ collection: name, filter, set }: Reset, dryRun: boolean): Promise<number> {
  const collection = mongoose.connection.collection(name);
  let count = 0;
  let ids: unknown[] = [];
  const flush = async () => {
    // Compared once more: what has ended or was restored meanwhile is left alone.
    const { modifiedCount } = await collection.updateMany({ ...filter, _id: { $in: ids as never[] } }, [{ $set: set }]);
    ids = [];
    return modifiedCount;
  };
  const changed = { $expr: { $or: Object.entries(set).map(([path, value]) => ({ $ne: [`$${path}`, value] })) } };
  if (dryRun) return collection.countDocuments({ ...filter, ...changed });
  for await (const { _id } of collection.find({ ...filter, ...changed }, { projection: { _id: 1 } })) {
    ids.push(_id);
    if (ids.length === BATCH) count += await flush();
  }
  return ids.length > 0 ? count + (await flush()) : count;
}
