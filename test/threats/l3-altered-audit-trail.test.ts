// L3: whoever got into the database tidies up after themselves. Elsewhere an audit trail was a table like any other:
// an entry was edited, deleted, slipped in or moved, and nobody could tell. Here each of it is done to a sealed trail
// with the rights of the database, and each is found; what is none of it (events that wait, erased persons, a changed
// keyring, an expired batch) is not.

import { randomBytes } from 'node:crypto';
import mongoose, { Types } from 'mongoose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyAnchor, verifyAuditTrail } from '../../src/audit/verify.ts';
import { transaction } from '../../src/database.ts';
import { reencrypt } from '../../src/key-rotation/reencrypt.ts';
import { eventHash, rootOf, sealHash } from '../../src/lib/audit-hash.ts';
import { parseKeyring } from '../../src/lib/keyring.ts';
import { erasePersonalValues } from '../../src/models/audit-erasure.ts';
import { recordAuditEvent } from '../../src/models/audit-event.ts';
import { expireAuditBatches } from '../../src/models/audit-expiry.ts';
import { type AuditSealRecord, macOf } from '../../src/models/audit-seal.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { findings, newTrail, personalValues, sealAll, sealingOptions, trail, writeEvents } from '../helpers/audit.ts';
import { UNCHECKED } from '../helpers/ciphertexts.ts';

const spec = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [OLD, NEW] = [spec('k-old'), spec('k-new')];

let service: TestApp;
/** The ids of the events of three seals. */
let ids: [Types.ObjectId[], Types.ObjectId[], Types.ObjectId[]];
beforeAll(async () => {
  service = await buildTestApp({ KEYRING: OLD });
});
afterAll(() => service.close());

const written = async (amount: number) => {
  const made = await writeEvents(service, amount);
  await sealAll(sealingOptions(service));
  return made as Types.ObjectId[];
};
beforeEach(async () => {
  await newTrail();
  ids = [await written(3), await written(3), await written(3)];
});

const second = () => ids[1] as [Types.ObjectId, Types.ObjectId, Types.ObjectId];
const event = async (_id: Types.ObjectId | undefined) =>
  (await trail().events.findOne({ _id: _id as never })) ?? { _id, sealId: 0 };
const seal = async (_id: number) => (await trail().seals.findOne({ _id })) as unknown as AuditSealRecord;

it('what nobody touched has no findings', async () => {
  await writeEvents(service, 2);
  const { verified, head, unsealed, next } = await verifyAuditTrail({ keyring: service.deps.keyring });
  expect(verified).toMatchObject({ listed: [], findings: 0, seals: 3, events: 9, erased: 0, expired: 0 });
  expect([head, unsealed, next]).toEqual([{ number: 3, hash: (await seal(3)).hash }, 2, null]);
});

describe('an event', () => {
  it.each([
    ['its actor', { 'actor.type': 'operator' }],
    ['its outcome', { outcome: 'success' }],
    ['its time', { at: new Date(0) }],
    ['its request', { requestId: 'req-of-another' }],
    ['the commitment to its address', { commitment: 'A'.repeat(43) }],
    ['a field that nobody knows', { note: 'never mind' }],
  ])('that is edited is found: %s', async (_what, change) => {
    const [id] = second();
    await trail().events.updateOne({ _id: id }, { $set: change });
    expect(await findings(service)).toEqual([`event-altered 2 ${id}`]);
  });

  it('that is edited, deleted or slipped in together with what its seal lists is found', async () => {
    const { seals, events } = trail();
    const [id] = second();
    const { eventIds = [], eventHashes = [] } = await seal(2);
    const lists = (ids: unknown, hashes: unknown) =>
      seals.updateOne({ _id: 2 }, { $set: { eventIds: ids, eventHashes: hashes } as never });
    await events.updateOne({ _id: id }, { $set: { outcome: 'success' } });
    const edited = await events.findOne({ _id: id });
    await lists(eventIds, [eventHash(edited ?? {}), ...(eventHashes ?? []).slice(1)]);
    expect(await findings(service)).toEqual(['seal-altered 2']);
    await events.deleteOne({ _id: id });
    await lists(eventIds?.slice(1), eventHashes?.slice(1));
    expect(await findings(service)).toEqual(['seal-altered 2']);
    const slipped = { ...edited, _id: new Types.ObjectId(), personal: undefined };
    await events.insertOne(slipped, { ignoreUndefined: true });
    await lists([...(eventIds ?? []).slice(1), slipped._id], [...(eventHashes ?? []).slice(1), eventHash(slipped)]);
    expect(await findings(service)).toEqual(['seal-altered 2']);
  });

  it('that loses a field is found', async () => {
    const [id] = second();
    await trail().events.updateOne({ _id: id }, { $unset: { requestId: 1 } });
    expect(await findings(service)).toEqual([`event-altered 2 ${id}`]);
  });

  it('whose address is another one now is found, and one that does not open', async () => {
    const [one, another, third] = second();
    const { events } = trail();
    const stored = await events.findOne({ _id: another });
    await events.updateOne({ _id: one }, { $set: { personal: stored?.['personal'] } });
    await events.updateOne({ _id: third }, { $set: { personal: 'in clear' } }, UNCHECKED);
    expect(await findings(service)).toEqual([`personal-altered 2 ${one}`, `personal-altered 2 ${third}`]);
  });

  it('that is deleted is found', async () => {
    const [, id] = second();
    await trail().events.deleteOne({ _id: id });
    expect(await findings(service)).toEqual([`event-deleted 2 ${id}`]);
  });

  it('that is taken out of its seal is found', async () => {
    const [, id] = second();
    await trail().events.updateOne({ _id: id }, { $unset: { sealId: 1 } });
    expect(await findings(service)).toEqual([`event-deleted 2 ${id}`]);
  });

  it.each([2, 4, 0, -1, 2.5, 1e9])('that is slipped in is found: as of seal %s', async (sealId) => {
    const { events } = trail();
    const model = await events.findOne({ _id: second()[0] });
    const _id = new Types.ObjectId();
    await events.insertOne({ ...model, _id, sealId });
    expect(await findings(service)).toEqual([`event-inserted ${sealId} ${_id}`]);
  });

  it('that changes places with another one is found, in its batch and in the next', async () => {
    const { events } = trail();
    for (const [one, other] of [
      [second()[0], second()[1]],
      [second()[2], ids[2][0]],
    ]) {
      const [a, b] = [await event(one), await event(other)];
      const { _id: _a, sealId: sealOfA, ...factsOfA } = a;
      const { _id: _b, sealId: sealOfB, ...factsOfB } = b;
      await events.replaceOne({ _id: one as never }, { ...factsOfB, sealId: sealOfA, at: new Date(1) });
      await events.replaceOne({ _id: other as never }, { ...factsOfA, sealId: sealOfB, at: new Date(2) });
    }
    const [first, next, last] = second();
    expect(await findings(service)).toEqual([
      `event-altered 2 ${first}`,
      `event-altered 2 ${next}`,
      `event-altered 2 ${last}`,
      `event-altered 3 ${ids[2][0]}`,
    ]);
  });
});

describe('a seal', () => {
  it.each([
    ['edited', { sealedAt: new Date(0) }, 'seal-altered 2'],
    ['made to end earlier', { keepUntil: new Date(0) }, 'seal-altered 2'],
    ['linked elsewhere', { previousHash: 'A'.repeat(43) }, 'seal-altered 2,seal-unlinked 2'],
    ['given the hash of another', { hash: 'A'.repeat(43) }, 'seal-altered 2,seal-unlinked 3'],
    ['given another mac', { mac: 'A'.repeat(43) }, 'seal-forged 2'],
  ])('that is %s is found', async (_how, change, expected) => {
    await trail().seals.updateOne({ _id: 2 }, { $set: change });
    expect((await findings(service)).join()).toBe(expected);
  });

  it('that is removed is found, with its events and without', async () => {
    const { seals, events } = trail();
    await seals.deleteOne({ _id: 2 });
    expect((await findings(service)).sort()).toEqual([
      ...second().map((id) => `event-inserted 2 ${id}`),
      'seal-missing 2',
    ]);
    await events.deleteMany({ sealId: 2 as never });
    expect(await findings(service)).toEqual(['seal-missing 2']);
    await seals.deleteOne({ _id: 1 });
    await events.deleteMany({ sealId: 1 as never });
    expect(await findings(service)).toEqual(['seal-missing 1']);
  });

  it('that changes places with another one is found', async () => {
    const { seals } = trail();
    const [{ _id: _a, ...two }, { _id: _b, ...three }] = [await seal(2), await seal(3)];
    await seals.replaceOne({ _id: 2 }, three as never);
    await seals.replaceOne({ _id: 3 }, two as never);
    expect(await findings(service)).toEqual(expect.arrayContaining(['seal-altered 2', 'seal-altered 3']));
  });

  it('that is made anew without the keyring, with all behind it, is found', async () => {
    const { seals, events } = trail();
    const [id] = second();
    await events.updateOne({ _id: id }, { $set: { outcome: 'success' } });
    const stranger = parseKeyring(spec('k-old'));
    let previousHash = (await seal(1)).hash;
    for (const number of [2, 3]) {
      const old = await seal(number);
      const batch = await events
        .find({ sealId: number as never })
        .sort({ _id: 1 })
        .toArray();
      const eventHashes = batch.map(eventHash);
      const facts = { ...old, previousHash, root: rootOf(old.eventIds ?? [], eventHashes) };
      const hash = sealHash(facts);
      await seals.replaceOne({ _id: number }, { ...facts, eventHashes, hash, mac: macOf(stranger, hash) } as never);
      previousHash = hash;
    }
    expect(await findings(service)).toEqual(['seal-forged 2', 'seal-forged 3']);
    // Naming a key that nobody has helps for all but the newest.
    await seals.updateMany({ _id: { $gte: 2 } }, { $set: { keyId: 'k-gone' } as never });
    expect(await findings(service)).toEqual(['seal-unverifiable 3']);
  });

  it('that is the newest can only be missed by whoever has noted it', async () => {
    const { keyring } = service.deps;
    const { head } = await verifyAuditTrail({ keyring });
    await trail().seals.deleteOne({ _id: 3 });
    await trail().events.deleteMany({ sealId: 3 as never });
    expect(await findings(service)).toEqual([]);
    const { verified } = await verifyAuditTrail({ keyring });
    await verifyAnchor(head ?? { number: 0, hash: '' }, verified);
    expect(verified.listed).toEqual([{ code: 'head-replaced', seal: 3 }]);
  });

  it('whose events are gone before their time is found, whatever it says', async () => {
    const { seals, events } = trail();
    await events.deleteMany({ sealId: 2 as never });
    await seals.updateOne(
      { _id: 2 },
      { $unset: { eventIds: 1, eventHashes: 1 }, $set: { expiredAt: new Date() } as never },
    );
    expect(await findings(service)).toEqual(['seal-altered 2']);
  });
});

describe('no finding is', () => {
  it('a person who has been erased', async () => {
    const { keyring } = service.deps;
    const id = new Types.ObjectId();
    const actor = { type: 'user', id } as const;
    const done = { action: 'user.updated', target: { collection: 'users', id }, note: 'for Ada' } as const;
    await recordAuditEvent(undefined, { actor, ip: '198.51.100.77', userAgent: 'hers alone', keyring }, done);
    for (let twice = 0; twice < 2; twice += 1)
      await recordAuditEvent(undefined, { actor: { type: 'operator' }, keyring }, done);
    await sealAll(sealingOptions(service));
    expect(await transaction((tx) => erasePersonalValues(tx, id))).toBe(3);
    expect(await transaction((tx) => erasePersonalValues(tx, id))).toBe(0);
    const { verified } = await verifyAuditTrail({ keyring });
    expect(verified).toMatchObject({ findings: 0, erased: 3, events: 12 });
    const events = await trail().events.find({ 'target.id': id }).toArray();
    expect(events.map((each) => personalValues(service, each as never))).toEqual([{}, {}, {}]);
    // Whoever is left with the commitments cannot try what it may have been: the same values have another one each time.
    expect(new Set(events.map(({ commitment }) => commitment)).size).toBe(3);
  });

  it('another keyring, once the newest seal is of its key', async () => {
    const both = parseKeyring(`${NEW},${OLD}`);
    const { rewritten } = await reencrypt(mongoose.connection, both, () => {});
    expect(rewritten).toBeGreaterThanOrEqual(9);
    await sealAll({ ...sealingOptions(service), keyring: both });
    const after = { deps: { ...service.deps, keyring: parseKeyring(NEW) } };
    expect(await findings(after)).toEqual([]);
    const event = await trail().events.findOne({ _id: second()[0] });
    expect(personalValues(after, event as never)).toEqual({ ip: '192.0.2.0' });
  });

  it('a batch whose time was over', async () => {
    await writeEvents(service, 2);
    await sealAll({ ...sealingOptions(service), retentionDays: 0 });
    const last = await written(1);
    expect(await expireAuditBatches(new Date())).toEqual({ batches: 1, events: 2 });
    expect(await expireAuditBatches(new Date())).toEqual({ batches: 0, events: 0 });
    const { verified } = await verifyAuditTrail({ keyring: service.deps.keyring });
    expect(verified).toMatchObject({ listed: [], seals: 5, expired: 1, events: 10 });
    // And what is slipped into it is one.
    const [_id, model] = [new Types.ObjectId(), await trail().events.findOne({ _id: last[0] as never })];
    await trail().events.insertOne({ ...model, _id, sealId: 4 });
    expect(await findings(service)).toEqual([`event-inserted 4 ${_id}`]);
  });
});

it('a part of it can be verified at a time', async () => {
  const { keyring } = service.deps;
  const [id] = second();
  await trail().events.updateOne({ _id: id }, { $set: { outcome: 'success' } });
  const first = await verifyAuditTrail({ keyring, limit: 1 });
  expect([first.verified.findings, first.verified.seals, first.next]).toEqual([0, 1, 2]);
  const next = await verifyAuditTrail({ keyring, from: 2, limit: 2 });
  expect([next.verified.listed, next.next]).toEqual([[{ code: 'event-altered', seal: 2, event: String(id) }], null]);
  const hurried = await verifyAuditTrail({ keyring, maxMs: 0 });
  expect([hurried.verified.seals, hurried.next]).toEqual([0, 1]);
  const end = await verifyAuditTrail({ keyring, from: 4, limit: 1 });
  expect([end.verified.seals, end.verified.findings, end.next]).toEqual([0, 0, null]);
});
