import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import mongoose from 'mongoose';
import { buildApp } from '../src/app.ts';
import { parseBackupKeys } from '../src/backup/keys.ts';
import { loadConfig } from '../src/config.ts';
import { connect } from '../src/database.ts';
import { openDependencies } from '../src/dependencies.ts';
import { type Job, JobRunner } from '../src/jobs/runner.ts';
import { sealAuditEvents } from '../src/jobs/seal-audit-events.ts';
import { shipJournalJob } from '../src/jobs/ship-journal.ts';
import { openKeyring } from '../src/keyring-file.ts';
import { generateKeyringSpec } from '../src/lib/keyring.ts';
import { createLogger } from '../src/logging.ts';
import { AuditEvent } from '../src/models/audit-event.ts';
import { Journal } from '../src/models/journal.ts';

/**
 * The program of a process of its own: the service with its audit trail and the job that seals it (`audited`), or with its
 * journal and the job that ships it (`journaled`); or the same where each event (`unaudited`) or each entry (`unjournaled`)
 * is a document of equal size in a collection that nobody looks at.
 */
const [, , kind] = process.argv;
const config = loadConfig();
const keyring = openKeyring(config);
const connection = await connect(config.MONGODB_URI ?? '', config);
const logger = createLogger(config);
const app = await buildApp(config, { ...(await openDependencies(config, keyring)), logger });

const other = connection.collection('bench_documents');
const { BSON } = mongoose.mongo;

/** As large as what it stands for. */
function filled(document: { _id: mongoose.Types.ObjectId }): object {
  const empty = { _id: document._id, filler: '' };
  const size = BSON.calculateObjectSize(document) - BSON.calculateObjectSize(empty);
  return { ...empty, filler: 'x'.repeat(Math.max(0, size)) };
}

/** The service itself has no switch for it. */
const KINDS: Readonly<Record<string, () => unknown>> = {
  audited: () => start(sealAuditEvents({ keyring, retentionDays: config.AUDIT_RETENTION_DAYS }, logger)),
  unaudited: () => {
    const events = AuditEvent.collection;
    events.insertOne = ((event: never, options: object) =>
      other.insertOne(filled(event) as never, options)) as unknown as typeof events.insertOne;
  },
  journaled: async () => {
    const url = pathToFileURL(await mkdtemp(join(tmpdir(), 'bench-journal-'))).href;
    await start(shipJournalJob({ connection, url, keys: parseBackupKeys(generateKeyringSpec()) }));
  },
  unjournaled: () => {
    const journal = Journal.collection;
    journal.insertMany = ((entries: never[], options: object) =>
      other.insertMany(
        entries.map((entry: object) => filled({ _id: new mongoose.Types.ObjectId(), ...entry })) as never,
        options,
      )) as unknown as typeof journal.insertMany;
  },
};

async function start(job: Job): Promise<void> {
  const jobs = new JobRunner({ log: logger, metrics: app.metrics });
  jobs.register(job);
  await jobs.start();
}

await KINDS[kind ?? '']?.();

process.stderr.write(`API: ${await app.listen({ host: '127.0.0.1', port: 0 })}\n`);
process.once('SIGTERM', () => process.exit());
