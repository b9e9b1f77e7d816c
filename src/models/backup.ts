import { type ClientSession, type InferSchemaType, model, Schema, Types } from 'mongoose';
import { transaction } from '../database.ts';
import { isDuplicateKey } from '../database-errors.ts';
import { type AuditAction, type AuditOrigin, recordAuditEvent } from './audit-event.ts';

export const BACKUP_OUTCOMES = ['success', 'failure'] as const;
export const BACKUP_TRIGGERS = ['schedule', 'command'] as const;
export type BackupTrigger = (typeof BACKUP_TRIGGERS)[number];
/** A drill restores the newest backup and the journal into a scratch database, and looks whether all of it is there. */
export const BACKUP_KINDS = ['backup', 'drill'] as const;
type BackupKind = (typeof BACKUP_KINDS)[number];

/** Whoever makes a backup says so again before this is over; if it dies, another one may begin afterwards. */
const LEASE_MS = 60_000;
export const BACKUP_RENEW_MS = LEASE_MS / 3;

/** How long it is told of a run that failed; of one that did not, as long as there is its backup. */
const DAY_MS = 86_400_000;
const FAILURES_KEPT_MS = 90 * DAY_MS;
const DRILLS_KEPT_MS = 400 * DAY_MS;

const LIMITS = Object.freeze({ name: 64, location: 1024, keyId: 32, failure: 500 });
const SHA256_LENGTH = 64;

/**
 * One document for each run, of which there is one at a time: how it went and what it made. The backups themselves are
 * in the storage alone.
 */
const backupSchema = new Schema(
  {
    kind: { type: String, enum: BACKUP_KINDS, required: true },
    /** The directory of the backup in the storage; of a drill its own name. */
    name: { type: String, required: true, maxlength: LIMITS.name },
    /** Of a drill: the backup that was restored. */
    restored: { type: String, maxlength: LIMITS.name },
    /** Of a drill: the moment whose state that was. */
    moment: { type: Date },
    /** Of a drill: entries of the journal that it went through. */
    entries: { type: Number },
    trigger: { type: String, enum: BACKUP_TRIGGERS, required: true },
    location: { type: String, required: true, maxlength: LIMITS.location },
    /** Of BACKUP_KEYS; absent where the backup is in clear. */
    keyId: { type: String, maxlength: LIMITS.keyId },
    startedAt: { type: Date, required: true },
    /** Always true, while it runs: an index makes it one at a time. */
    running: { type: Boolean },
    leaseUntil: { type: Date },
    finishedAt: { type: Date },
    outcome: { type: String, enum: BACKUP_OUTCOMES },
    consistent: { type: Boolean },
    documents: { type: Number },
    /** Of the storage. */
    bytes: { type: Number },
    /** SHA-256 of the manifest. */
    manifestHash: { type: String, maxlength: SHA256_LENGTH, kept: 'SHA-256 of what is stored beside the backup.' },
    failure: { type: String, maxlength: LIMITS.failure },
    expiresAt: { type: Date },
  },
  { collection: 'backups', versionKey: false },
);

backupSchema.index({ name: 1 }, { name: 'idx_backups_name', unique: true });
backupSchema.index(
  { running: 1 },
  { name: 'idx_backups_running', unique: true, partialFilterExpression: { running: { $exists: true } } },
);
backupSchema.index({ outcome: 1, _id: 1 }, { name: 'idx_backups_outcome' });
backupSchema.index({ expiresAt: 1 }, { name: 'idx_backups_expires_at', expireAfterSeconds: 0 });

export const BackupRun = model('Backup', backupSchema);
export type BackupRunRecord = InferSchemaType<typeof backupSchema> & { _id: Types.ObjectId };

/** Another run is under way; there is one at a time. */
export class BackupRunningError extends Error {
  override readonly name = 'BackupRunningError';
}

const shortened = (location: string): string => location.slice(0, LIMITS.location);

export type NewBackupRun = Pick<BackupRunRecord, 'kind' | 'name' | 'trigger' | 'location'> & {
  readonly keyId?: string;
};

/** A run that nobody else makes while its lease holds. */
export type OwnBackupRun = Pick<BackupRunRecord, '_id' | 'kind' | 'name'>;

/**
 * Begins a run, unless one is under way. One whose lease is over has died, and is recorded as failed.
 * @throws {BackupRunningError}
 */
export async function beginBackupRun(
  origin: AuditOrigin,
  { kind, name, trigger, location, keyId }: NewBackupRun,
  now = new Date(),
): Promise<OwnBackupRun> {
  const dead = await BackupRun.findOne({ running: true, leaseUntil: { $lte: now } }).lean<BackupRunRecord>();
  if (dead) await transaction((tx) => failBackupRun(tx, origin, dead, 'It ended without saying why.'));
  const _id = new Types.ObjectId();
  try {
    await BackupRun.collection.insertOne({
      _id,
      kind,
      name,
      trigger,
      location: shortened(location),
      ...(keyId !== undefined && { keyId }),
      startedAt: now,
      running: true,
      leaseUntil: new Date(now.getTime() + LEASE_MS),
    });
  } catch (error) {
    if (isDuplicateKey(error))
      throw new BackupRunningError('Another backup, or a drill, is under way.', { cause: error });
    throw error;
  }
  return { _id, kind, name };
}

/** @returns whether the run is still ours */
export async function renewBackupRun({ _id }: OwnBackupRun, now = new Date()): Promise<boolean> {
  const leaseUntil = new Date(now.getTime() + LEASE_MS);
  const { matchedCount } = await BackupRun.updateOne(
    { _id, running: true, leaseUntil: { $gt: now } },
    { $set: { leaseUntil } },
  );
  return matchedCount === 1;
}

export type MadeBackup = Pick<
  BackupRunRecord,
  'consistent' | 'documents' | 'bytes' | 'manifestHash' | 'restored' | 'moment' | 'entries'
>;

const ACTIONS = { backup: 'backup.created', drill: 'backup.verified' } as const satisfies Record<
  BackupKind,
  AuditAction
>;

/** @returns false when the run had become somebody else's to judge */
export async function finishBackupRun(
  tx: ClientSession,
  origin: AuditOrigin,
  { _id, kind, name }: OwnBackupRun,
  made: MadeBackup,
): Promise<boolean> {
  const finishedAt = new Date();
  const expiresAt = new Date(finishedAt.getTime() + DRILLS_KEPT_MS);
  const { matchedCount } = await BackupRun.updateOne(
    { _id, running: true },
    {
      $set: { ...made, outcome: 'success', finishedAt, ...(kind === 'drill' && { expiresAt }) },
      $unset: { running: 1, leaseUntil: 1 },
    },
    { session: tx },
  );
  if (matchedCount === 0) return false;
  await recordAuditEvent(tx, origin, { action: ACTIONS[kind], target: { collection: 'backups', id: _id, name } });
  return true;
}

export async function failBackupRun(
  tx: ClientSession,
  origin: AuditOrigin,
  { _id, kind, name }: OwnBackupRun,
  failure: string,
): Promise<void> {
  const { matchedCount } = await BackupRun.updateOne({ _id, running: true }, failed(failure, new Date()), {
    session: tx,
  });
  if (matchedCount === 0) return;
  await recordAuditEvent(tx, origin, {
    action: ACTIONS[kind],
    outcome: 'failure',
    reason: `${kind}-failed`,
    target: { collection: 'backups', id: _id, name },
  });
}

const failed = (failure: string, now: Date) => ({
  $set: {
    outcome: 'failure' as const,
    failure: failure.slice(0, LIMITS.failure),
    finishedAt: now,
    expiresAt: new Date(now.getTime() + FAILURES_KEPT_MS),
  },
  $unset: { running: 1 as const, leaseUntil: 1 as const },
});

/** Of a backup that is no longer in the storage. */
export async function forgetBackupRun(tx: ClientSession, origin: AuditOrigin, name: string): Promise<void> {
  await BackupRun.deleteOne({ name }, { session: tx });
  await recordAuditEvent(tx, origin, { action: 'backup.removed', target: { collection: 'backups', name } });
}

/** Whether a run of that name ended well, and its backup has not been removed since. */
export const isGoodBackup = async (name: string): Promise<boolean> =>
  (await BackupRun.exists({ name, kind: 'backup', outcome: 'success' })) !== null;

/** The newest run of that kind that ended well. @param location where its backup has to be */
export const newestGood = (kind: BackupKind, location: string): Promise<BackupRunRecord | null> =>
  BackupRun.findOne({ outcome: 'success', kind, location: shortened(location) })
    .sort({ _id: -1 })
    .hint({ outcome: 1, _id: 1 })
    .lean<BackupRunRecord>();

/** One page, newest first. @param after the id of the last run of the page before */
export async function listBackupRuns(
  limit: number,
  after?: string,
): Promise<{ runs: BackupRunRecord[]; next: string | null }> {
  const read = await BackupRun.find(after === undefined ? {} : { _id: { $lt: after } })
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean<BackupRunRecord[]>();
  const runs = read.slice(0, limit);
  return { runs, next: read.length > limit ? (runs.at(-1)?._id.toHexString() ?? null) : null };
}
