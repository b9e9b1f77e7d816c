import mongoose, { Types } from 'mongoose';
import { verifyAuditTrail } from '../../src/audit/verify.ts';
import { type AuditEventInput, recordAuditEvent } from '../../src/models/audit-event.ts';
import { reveal } from '../../src/models/audit-personal.ts';
import { type SealingOptions, sealBatch } from '../../src/models/audit-sealing.ts';
import type { TestApp } from './app.ts';

/** The stored trail, as whoever has the database alone sees it. */
export const trail = () => {
  const { db } = mongoose.connection;
  if (!db) throw new Error('not connected');
  return { events: db.collection('audit_events'), seals: db.collection<{ _id: number }>('audit_seals') };
};

/** Forgets all events and seals. */
export async function newTrail(): Promise<void> {
  const { events, seals } = trail();
  await events.deleteMany({});
  await seals.deleteMany({});
}

export const sealingOptions = ({ deps, config }: Pick<TestApp, 'deps' | 'config'>): SealingOptions => ({
  keyring: deps.keyring,
  retentionDays: config.AUDIT_RETENTION_DAYS,
});

/** Seals whatever waits. */
export async function sealAll(options: SealingOptions): Promise<void> {
  while (await sealBatch(options));
}

/** Writes so many events, each from an address of its own, and returns their ids. */
export async function writeEvents({ deps: { keyring } }: Pick<TestApp, 'deps'>, amount: number, more = {}) {
  const { events } = trail();
  const requestId = `req-${new Types.ObjectId()}`;
  for (let n = 0; n < amount; n += 1) {
    const origin = { actor: { type: 'anonymous' }, ip: `192.0.2.${n % 250}`, requestId, keyring } as const;
    const event: AuditEventInput = { action: 'session.created', outcome: 'failure', target: { collection: 'users' } };
    await recordAuditEvent(undefined, origin, { ...event, ...more });
  }
  return (await events.find({ requestId }).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
}

/** What a verification of all of the trail finds: `event-altered 1 <id>`. */
export async function findings({ deps: { keyring } }: Pick<TestApp, 'deps'>): Promise<string[]> {
  const { verified } = await verifyAuditTrail({ keyring });
  return verified.listed.map(({ code, seal, event }) =>
    [code, seal, event].filter((part) => part !== undefined).join(' '),
  );
}

/** The personal values of a stored event. */
export const personalValues = (
  { deps: { keyring } }: Pick<TestApp, 'deps'>,
  event: Parameters<typeof reveal>[1] | null | undefined,
) => (event ? reveal(keyring, event).values : {});
