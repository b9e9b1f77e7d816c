import { type InferSchemaType, model, mongo, Schema } from 'mongoose';

export const JOB_OUTCOMES = ['success', 'failure'] as const;
type JobOutcome = (typeof JOB_OUTCOMES)[number];

/**
 * Whoever runs a job says so again before this is over (RENEW_MS); if it dies, the run is anybody's afterwards. Far
 * more than clocks of instances differ.
 */
const LEASE_MS = 60_000;
export const RENEW_MS = LEASE_MS / 3;

/** A run that failed is tried again after this, or when the job is due anyway. */
const RETRY_MS = 5 * 60_000;

const JOB_LIMITS = Object.freeze({ name: 64, schedule: 64, failure: 500 });

/** One document for each scheduled job: whose turn it is, and how the last run went. */
const jobSchema = new Schema(
  {
    /** Its name. */
    _id: { type: String, required: true, maxlength: JOB_LIMITS.name },
    /** A cron expression, in UTC. */
    schedule: { type: String, required: true, maxlength: JOB_LIMITS.schedule },
    /** The scheduled time that the newest run is for. */
    dueAt: { type: Date, required: true },
    nextAt: { type: Date, required: true },
    /** Until when nobody else may begin: the lease of a run, or the pause after one that failed. Absent once it is done. */
    leaseUntil: { type: Date },
    startedAt: { type: Date },
    finishedAt: { type: Date },
    durationMs: { type: Number },
    outcome: { type: String, enum: JOB_OUTCOMES },
    /** What the run did, in numbers. */
    result: { type: Object },
    /** Why it failed. */
    failure: { type: String, maxlength: JOB_LIMITS.failure },
    lastSuccessAt: { type: Date },
  },
  { collection: 'jobs', versionKey: false, minimize: false },
);

export const JobState = model('JobState', jobSchema);

export type JobRecord = InferSchemaType<typeof jobSchema>;

/** When a job was due last and is next, by its schedule. */
export interface Times {
  readonly dueAt: Date;
  readonly nextAt: Date;
}

/** A run that nobody else makes while its lease holds. */
export interface ClaimedRun {
  readonly name: string;
  readonly startedAt: Date;
}

/** What a run did, as names and numbers. */
export type JobResult = Readonly<Record<string, number>>;

/**
 * Makes a job known. One that was not known before waits for the next time: what would have been due before the
 * service was there has not been missed.
 */
export async function announceJob(name: string, schedule: string, times: Times): Promise<void> {
  const announce = () =>
    JobState.updateOne(
      { _id: name },
      { $set: { schedule, nextAt: times.nextAt }, $setOnInsert: { dueAt: times.dueAt } },
      { upsert: true },
    );
  // Two instances at once: the one that lost finds the other's document the second time.
  await announce().catch((error: unknown) => {
    if (error instanceof mongo.MongoServerError && error.code === 11_000) return announce();
    throw error;
  });
}

/** Takes the run that is due, or one that was begun and not finished. Of several at once, one gets it. */
export async function claimRun(name: string, { dueAt, nextAt }: Times, now = new Date()): Promise<ClaimedRun | null> {
  const claimed = await JobState.findOneAndUpdate(
    { _id: name, $or: [{ leaseUntil: { $lte: now } }, { leaseUntil: { $exists: false }, dueAt: { $lt: dueAt } }] },
    { $set: { dueAt, nextAt, startedAt: now, leaseUntil: new Date(now.getTime() + LEASE_MS) } },
    { projection: { _id: 1 } },
  ).lean();
  return claimed && { name, startedAt: now };
}

/** @returns whether the run is still ours */
export async function renewRun({ name, startedAt }: ClaimedRun, now = new Date()): Promise<boolean> {
  const leaseUntil = new Date(now.getTime() + LEASE_MS);
  const { matchedCount } = await JobState.updateOne(
    { _id: name, startedAt, leaseUntil: { $gt: now } },
    { $set: { leaseUntil } },
  );
  return matchedCount === 1;
}

export interface EndedRun {
  readonly outcome: JobOutcome;
  readonly result?: JobResult;
  readonly failure?: string;
  /** It was asked to end before it was done, and failed by nothing else: anybody may begin anew at once. */
  readonly stopped?: boolean;
}

/** How a run ended, unless it has become somebody else's meanwhile. */
export async function finishRun(
  { name, startedAt }: ClaimedRun,
  { outcome, result, failure = '', stopped = false }: EndedRun,
  nextAt: Date,
): Promise<void> {
  const now = new Date();
  const failed = outcome === 'failure';
  const retryAt = stopped ? now : new Date(Math.min(now.getTime() + RETRY_MS, nextAt.getTime()));
  await JobState.updateOne(
    { _id: name, startedAt },
    {
      $set: {
        outcome,
        finishedAt: now,
        durationMs: now.getTime() - startedAt.getTime(),
        ...(result && { result }),
        ...(failed ? { leaseUntil: retryAt, failure: failure.slice(0, JOB_LIMITS.failure) } : { lastSuccessAt: now }),
      },
      $unset: { ...(!failed && { leaseUntil: 1, failure: 1 }), ...(!result && { result: 1 }) },
    },
  );
}

/** All jobs by name: there are only a few. */
export const listJobs = (): Promise<JobRecord[]> => JobState.find().sort({ _id: 1 }).lean<JobRecord[]>();
