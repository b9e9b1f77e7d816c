import { Types } from 'mongoose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify.ts';
import { transaction } from '../../src/database.ts';
import { sealAuditEvents } from '../../src/jobs/seal-audit-events.ts';
import { AuditEvent, recordAuditEvent } from '../../src/models/audit-event.ts';
import { sealBatch } from '../../src/models/audit-sealing.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { findings, newTrail, personalValues, sealAll, sealingOptions, trail, writeEvents } from '../helpers/audit.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());
beforeEach(newTrail);
afterEach(() => vi.restoreAllMocks());

const verify = () => verifyAuditTrail({ keyring: service.deps.keyring });
const seal = () => sealBatch(sealingOptions(service));
const job = () => sealAuditEvents(sealingOptions(service), service.app.log);
const unchained = () => trail().events.countDocuments({ sealId: null as never });

describe('sealing', () => {
  it('makes no seal of nothing', async () => {
    expect(await seal()).toBeNull();
    expect(await trail().seals.countDocuments()).toBe(0);
  });

  it('takes as many batches as it needs', async () => {
    const event = {
      action: 'user.updated',
      outcome: 'success',
      actor: { type: 'system' },
      target: { collection: 'users' },
    };
    const many = Array.from({ length: 1_203 }, () => ({ ...event, _id: new Types.ObjectId(), at: new Date() }));
    await AuditEvent.collection.insertMany(many as never[]);
    expect(await job().run(new AbortController().signal)).toEqual({ seals: 3, events: 1_203 });
    expect((await verify()).verified).toMatchObject({ findings: 0, seals: 3, events: 1_203 });
    expect(await job().run(new AbortController().signal)).toEqual({ seals: 0, events: 0 });
    expect(service.logged().filter(({ msg }) => msg === 'audit events sealed')).toHaveLength(3);
  });

  it('takes what was written before and committed after', async () => {
    let commit = () => {};
    const gate = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let isWritten = () => {};
    const written = new Promise<void>((resolve) => {
      isWritten = resolve;
    });
    const event = { action: 'user.updated', target: { collection: 'users' } } as const;
    const late = transaction(async (tx) => {
      await recordAuditEvent(tx, { actor: { type: 'system' } }, event);
      isWritten();
      await gate;
    });
    await written;
    await writeEvents(service, 2);
    await sealAll(sealingOptions(service));
    commit();
    await late;
    expect((await verify()).unsealed).toBe(1);
    await sealAll(sealingOptions(service));
    expect(await verify()).toMatchObject({ unsealed: 0, verified: { findings: 0, seals: 2, events: 3 } });
  });

  it('by several instances at once puts each event into one seal', async () => {
    const other = await service.another();
    for (let round = 0; round < 5; round += 1) {
      await writeEvents(service, 20);
      const results = await Promise.all([service, other, service].map((each) => sealBatch(sealingOptions(each))));
      expect(results.filter((made) => made !== null && made !== 'overtaken').length).toBeGreaterThan(0);
    }
    await sealAll(sealingOptions(service));
    const { verified, unsealed } = await verify();
    expect([verified.findings, verified.events, unsealed]).toEqual([0, 100, 0]);
  });

  it('while others write leaves nothing out', async () => {
    const other = await service.another();
    let writing = true;
    const sealing = Promise.all(
      [service, other].map(async (each) => {
        while (writing) await sealAll(sealingOptions(each));
      }),
    );
    await Promise.all([writeEvents(service, 60), writeEvents(other, 60)]);
    writing = false;
    await sealing;
    await sealAll(sealingOptions(service));
    expect((await verify()).verified).toMatchObject({ findings: 0, events: 120 });
    expect(await unchained()).toBe(0);
  });

  it('that is broken off between its steps leaves nothing behind, and is done by the next', async () => {
    await writeEvents(service, 5);
    vi.spyOn(AuditEvent.collection, 'bulkWrite').mockRejectedValueOnce(new Error('killed'));
    await expect(seal()).rejects.toThrow('killed');
    expect([await trail().seals.countDocuments(), await unchained()]).toEqual([0, 5]);
    await sealAll(sealingOptions(service));
    expect((await verify()).verified).toMatchObject({ findings: 0, seals: 1, events: 5 });
  });

  it('makes no seal over an event that is gone by then', async () => {
    const ids = await writeEvents(service, 3);
    const mark = AuditEvent.collection.bulkWrite.bind(AuditEvent.collection);
    vi.spyOn(AuditEvent.collection, 'bulkWrite').mockImplementationOnce(async (operations, options) => {
      await AuditEvent.collection.deleteOne({ _id: ids[0] as Types.ObjectId }, options);
      return mark(operations, options);
    });
    await expect(seal()).rejects.toThrow('2 of 3 audit events could be sealed');
    expect([await trail().seals.countDocuments(), await unchained()]).toEqual([0, 3]);
  });

  it('ends between two batches when it is asked to', async () => {
    await writeEvents(service, 1);
    expect(await job().run(AbortSignal.abort())).toEqual({ seals: 0, events: 0 });
    expect(await unchained()).toBe(1);
  });
});

describe('events of an earlier version', () => {
  const facts = { outcome: 'success', actor: { type: 'anonymous' }, target: { collection: 'users' }, at: new Date() };
  const clear = { ip: '198.51.100.7', userAgent: 'curl/8.5' };

  it('have their addresses, agents and reasons encrypted when they are sealed', async () => {
    const telephone = 'Ada asked for it on the telephone. '.repeat(9);
    const old = [
      { ...facts, ...clear, action: 'session.created', reason: 'invalid-credentials', requestId: 'req-0001' },
      { ...facts, ...clear, action: 'user.suspended', reason: telephone },
      { ...facts, action: 'signing-key.retired', reason: 'seen in a log' },
      { ...facts, action: 'user.updated', changes: ['firstName'] },
    ];
    await trail().events.insertMany(old as never[], { bypassDocumentValidation: true });
    await sealAll(sealingOptions(service));
    expect(await findings(service)).toEqual([]);
    const stored = await trail().events.find().sort({ _id: 1 }).toArray();
    expect(JSON.stringify(stored)).not.toMatch(/198\.51|curl|telephone|seen in/);
    expect(stored.map(({ reason }) => reason)).toEqual(['invalid-credentials', undefined, undefined, undefined]);
    expect(stored.map((event) => personalValues(service, event as never))).toEqual([
      clear,
      { ...clear, note: telephone },
      { note: 'seen in a log' },
      {},
    ]);
  });
});

it('an event with personal values is not written without a keyring', async () => {
  const event = { action: 'user.updated', target: { collection: 'users' } } as const;
  await expect(recordAuditEvent(undefined, { actor: { type: 'anonymous' }, ip: '192.0.2.1' }, event)).rejects.toThrow(
    'needs a keyring',
  );
});
