import mongoose from 'mongoose';
import { buildApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { connect } from '../src/database.ts';
import { openDependencies } from '../src/dependencies.ts';
import { JobRunner } from '../src/jobs/runner.ts';
import { sealAuditEvents } from '../src/jobs/seal-audit-events.ts';
import { openKeyring } from '../src/keyring-file.ts';
import { createLogger } from '../src/logging.ts';
import { AuditEvent } from '../src/models/audit-event.ts';

/**
 * The program of a process of its own: the service with its audit trail and the job that seals it, or, with the
 * argument `other`, the same where each event is a document of equal size in a collection that nobody looks at.
 */
const [, , kind] = process.argv;
const config = loadConfig();
const keyring = openKeyring(config);
const connection = await connect(config.MONGODB_URI ?? '', config);
const logger = createLogger(config);
const app = await buildApp(config, { ...(await openDependencies(config, keyring)), logger });

if (kind === 'other') replaceEvents();
else await startSealing();

/** The service itself has no switch for it. */
function replaceEvents(): void {
  const other = connection.collection('bench_documents');
  const events = AuditEvent.collection;
  const size = (document: object): number => mongoose.mongo.BSON.calculateObjectSize(document);
  events.insertOne = ((event: { _id: mongoose.Types.ObjectId }, options: object) => {
    const empty = { _id: event._id, filler: '' };
    const filler = 'x'.repeat(Math.max(0, size(event) - size(empty)));
    return other.insertOne({ ...empty, filler }, options);
  }) as unknown as typeof events.insertOne;
}

async function startSealing(): Promise<void> {
  const jobs = new JobRunner({ log: logger, metrics: app.metrics });
  jobs.register(sealAuditEvents({ keyring, retentionDays: config.AUDIT_RETENTION_DAYS }, logger));
  await jobs.start();
}

process.stderr.write(`API: ${await app.listen({ host: '127.0.0.1', port: 0 })}\n`);
process.once('SIGTERM', () => process.exit());
