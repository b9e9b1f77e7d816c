// The relations of all models decide what goes with what, and this import is what loads them all.
import { resources } from '../collections/index.ts';
import type { Config } from '../config.ts';
import type { Keyring } from '../lib/keyring.ts';
import { SYSTEM } from '../models/audit-event.ts';
import { countExpired, expireAuditBatches } from '../models/audit-expiry.ts';
import { countDueDocuments, purgeDueDocuments } from '../models/document-purge.ts';
import { countUnshipped, dropUnshipped, JOURNAL_DAYS } from '../models/journal.ts';
import { countUnsettled, settleAll } from '../models/settling.ts';
import {
  countToEnd,
  countToWarn,
  countUnverified,
  endDormant,
  endUnverified,
  WARNING_DAYS,
  warnDormant,
} from '../models/user-dormancy.ts';
import { countPurgeable, listPurgeable, purgeUser } from '../models/user-purge.ts';

/** Whose time is over, and what becomes of it then. */
interface Described {
  readonly name: string;
  /** `*`: all of the team's own. */
  readonly collection: string;
  /** What it is about, and what happens to it. */
  readonly text: string;
  /** ISO 8601, such as `P30D`; null where it is switched off, or differs by document. */
  readonly period: string | null;
  /** The variable that sets the period, where there is one. */
  readonly setting?: keyof Config;
}

/** The database removes each document by its `expiresAt`, within a minute or so. */
export interface TtlRule extends Described {
  readonly by: 'ttl';
  /** Another path of that kind, where it is not `expiresAt`. */
  readonly path?: string;
}

/** The job `retention` does it, in steps that may be repeated. */
export interface JobRule extends Described {
  readonly by: 'job';
  /** How many are due. */
  count(): Promise<number>;
  /** Does what is due, until `signal` says to end. @returns for how many */
  run(signal: AbortSignal): Promise<number>;
}

export type RetentionRule = TtlRule | JobRule;

type Settings = Pick<
  Config,
  | 'DELETED_USER_RETENTION_DAYS'
  | 'DELETED_DOCUMENT_RETENTION_DAYS'
  | 'UNVERIFIED_RETENTION_DAYS'
  | 'DORMANCY_MONTHS'
  | 'AUDIT_RETENTION_DAYS'
  | 'SESSION_LIFETIME_SECONDS'
  | 'BACKUP_URL'
>;

const orNever = (amount: number, unit: 'D' | 'M'): string | null => (amount === 0 ? null : `P${amount}${unit}`);

/** So many accounts are looked up at a time. */
const BATCH = 100;

async function purgeAll(keyring: Keyring, signal: AbortSignal): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    const due = await listPurgeable(BATCH);
    let gone = 0;
    for (const id of due) if (!signal.aborted && (await purgeUser(keyring, SYSTEM, id))) gone += 1;
    count += gone;
    // What nobody could purge would be found again and again.
    if (gone === 0) break;
  }
  return count;
}

/** How long what is kept, and by what it goes: the whole of it, in the order in which the job works. */
export const retentionRules = (config: Settings, keyring: Keyring): readonly RetentionRule[] => [
  ...accountRules(config, keyring),
  ...documentRules(config),
  auditRule(config),
  journalRule(config),
  sessionRule(config),
  ...TTL_RULES,
  ...domainTtlRules(),
];

function accountRules(config: Settings, keyring: Keyring): readonly JobRule[] {
  const { DORMANCY_MONTHS: months, UNVERIFIED_RETENTION_DAYS: unverifiedDays } = config;
  return [
    {
      name: 'dormancy-warnings',
      collection: 'users',
      text: `Accounts that nobody has signed in to for long: their owners are warned, ${WARNING_DAYS} days before.`,
      period: orNever(months, 'M'),
      setting: 'DORMANCY_MONTHS',
      by: 'job',
      count: () => countToWarn(months),
      run: (signal) => warnDormant({ keyring, months, signal }),
    },
    {
      name: 'dormant-accounts',
      collection: 'users',
      text: 'Accounts whose owners were warned and did not come: they become inactive.',
      period: orNever(months, 'M'),
      setting: 'DORMANCY_MONTHS',
      by: 'job',
      count: () => countToEnd(months),
      run: (signal) => endDormant({ keyring, months, signal }),
    },
    {
      name: 'unverified-accounts',
      collection: 'users',
      text: 'Accounts whose mailbox was never proven and that nobody ever signed in to: they are removed.',
      period: orNever(unverifiedDays, 'D'),
      setting: 'UNVERIFIED_RETENTION_DAYS',
      by: 'job',
      count: () => countUnverified(unverifiedDays),
      run: (signal) => endUnverified(unverifiedDays, signal),
    },
    {
      name: 'deleted-accounts',
      collection: 'users',
      text: 'Deleted accounts: they are purged with all that belongs to them. A legal hold keeps them.',
      period: orNever(config.DELETED_USER_RETENTION_DAYS, 'D'),
      setting: 'DELETED_USER_RETENTION_DAYS',
      by: 'job',
      count: () => countPurgeable(),
      run: (signal) => purgeAll(keyring, signal),
    },
  ];
}

/** For all of the team's own collections together. */
const documentRules = (config: Settings): readonly JobRule[] => [
  {
    name: 'unsettled-documents',
    collection: '*',
    text: 'Documents that were deleted or restored, and what belongs to them has not followed yet: it does.',
    period: null,
    by: 'job',
    count: () => countUnsettled(),
    run: (signal) => settleAll(signal),
  },
  {
    name: 'deleted-documents',
    collection: '*',
    text: 'Deleted documents of the team’s own collections: they are purged with all that belongs to them.',
    period: orNever(config.DELETED_DOCUMENT_RETENTION_DAYS, 'D'),
    setting: 'DELETED_DOCUMENT_RETENTION_DAYS',
    by: 'job',
    count: () => countDueDocuments(),
    run: (signal) => purgeDueDocuments(signal),
  },
];

const auditRule = (config: Settings): JobRule => ({
  name: 'audit-events',
  collection: 'audit_events',
  text: 'Audit events: they go by whole sealed batches, whose seals stay.',
  period: `P${config.AUDIT_RETENTION_DAYS}D`,
  setting: 'AUDIT_RETENTION_DAYS',
  by: 'job',
  count: () => countExpired(),
  run: async (signal) => (await expireAuditBatches(new Date(), signal)).events,
});

/** Where backups go somewhere, an entry has to be shipped there first; then its TTL begins. */
const journalRule = ({ BACKUP_URL: shipped }: Settings): JobRule => ({
  name: 'unshipped-journal',
  collection: 'journal',
  text: 'Images of documents after each change, where there is no `BACKUP_URL` to ship them to.',
  period: shipped === undefined ? `P${JOURNAL_DAYS}D` : null,
  setting: 'BACKUP_URL',
  by: 'job',
  count: async () => (shipped === undefined ? countUnshipped() : 0),
  run: async () => (shipped === undefined ? dropUnshipped() : 0),
});

const sessionRule = (config: Settings): TtlRule => ({
  name: 'sessions',
  collection: 'sessions',
  text: 'Sessions, counted from the sign-in. One that is not used ends before (SESSION_IDLE_SECONDS).',
  period: `PT${config.SESSION_LIFETIME_SECONDS}S`,
  setting: 'SESSION_LIFETIME_SECONDS',
  by: 'ttl',
});

/** Domain collections say themselves what goes by its time. */
const domainTtlRules = (): TtlRule[] =>
  resources
    .flatMap((each) => each.collections)
    .filter(({ indexDefinitions }) =>
      indexDefinitions.some(({ expireAfterSeconds }) => expireAfterSeconds !== undefined),
    )
    .map(({ name, retention }) => ({ name, collection: name, text: retention, period: null, by: 'ttl' }));

const TTL_RULES: readonly TtlRule[] = Object.freeze([
  {
    name: 'one-time-tokens',
    collection: 'one_time_tokens',
    text: 'Tokens of mailed links and of flows, 5 minutes to 24 hours by purpose.',
    period: null,
    by: 'ttl',
  },
  {
    name: 'signing-keys',
    collection: 'signing_keys',
    text: 'Keys of access tokens, until the last token that they signed has expired.',
    period: null,
    by: 'ttl',
  },
  {
    name: 'mail',
    collection: 'outbox',
    text: 'Records of mail, counted from the change that it tells of.',
    period: 'P7D',
    by: 'ttl',
  },
  {
    name: 'webhook-events',
    collection: 'webhook_events',
    text: 'Events that webhooks tell of.',
    period: 'P30D',
    by: 'ttl',
  },
  {
    name: 'webhook-deliveries',
    collection: 'webhook_deliveries',
    text: 'The log of deliveries, counted from the event.',
    period: 'P30D',
    by: 'ttl',
  },
  {
    name: 'statistics',
    collection: 'activity_daily',
    text: 'Daily numbers of sign-ups, sign-ins, deletions and active accounts.',
    period: 'P25M',
    by: 'ttl',
  },
  {
    name: 'backups',
    collection: 'backups',
    text: 'Records of backups and drills that failed, 90 days; of drills that went well, 400.',
    period: null,
    by: 'ttl',
  },
  {
    name: 'journal',
    collection: 'journal',
    text: 'Images of documents after each change, counted from when they were shipped beside the backups.',
    period: `P${JOURNAL_DAYS}D`,
    by: 'ttl',
  },
  {
    name: 'api-keys',
    collection: 'api_keys',
    text: 'API keys that were given an end.',
    period: null,
    by: 'ttl',
  },
  {
    name: 'idempotency-keys',
    collection: 'idempotency_keys',
    text: 'First responses to requests that carried an Idempotency-Key.',
    period: 'PT24H',
    by: 'ttl',
  },
  {
    name: 'rate-limits',
    collection: 'rate_limits',
    text: 'Counters of limits, as long as their windows.',
    period: null,
    by: 'ttl',
    path: 'expire',
  },
]);
