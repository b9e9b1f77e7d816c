// D2: erased, and not gone. Elsewhere an erased account left its email in the outbox, its address in session tables, its
// name in an export that was made from a copy; or the erasure broke off midway and was reported as done. Here no personal
// value is left in any collection, the receipt says what went, and a run that is interrupted is gone on with.

import { Types } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify.ts';
import { transaction } from '../../src/database.ts';
import { AuditEvent, SYSTEM } from '../../src/models/audit-event.ts';
import { Erasure, ledgerEntryOf } from '../../src/models/erasure.ts';
import { relationsTo } from '../../src/models/relations.ts';
import { Session } from '../../src/models/session.ts';
import { User } from '../../src/models/user.ts';
import { eraseUser } from '../../src/models/user-lifecycle.ts';
import { purgeUser } from '../../src/models/user-purge.ts';
import { retentionRules } from '../../src/retention/rules.ts';
import { runRetention } from '../../src/retention/run.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { sealAll, sealingOptions } from '../helpers/audit.ts';
import { enrolTotp } from '../helpers/factors.ts';
import { inParallel, outcome } from '../helpers/parallel.ts';
import { age, call, dump, type Person, person, refresh, signIn } from '../helpers/people.ts';

let here: TestApp;
let there: TestApp;
let admin: Person;
beforeAll(async () => {
  here = await buildTestApp();
  there = await here.another();
  admin = await person(here, { roles: ['user', 'admin'] });
});
afterAll(() => here.close());

const reason = { reason: 'asked for it, ticket 4711' };
const erase = (id: string, by = admin, on = here) => by.call('POST', `/v1/admin/users/${id}/erase`, reason, { on });

/** Somebody with a value in every place that has one. */
async function someone(): Promise<Person> {
  const ada = await person(here);
  await ada.call('PATCH', '/v1/users/me', { firstName: 'Erased-Ada', lastName: 'Lovelace-Gone', metadata: { x: 'y' } });
  await enrolTotp(ada);
  await call(here, 'POST', '/v1/password-resets', { email: ada.email });
  await here.app.settled();
  return ada;
}

const traces = ({ email }: Person) => [email, email.split('@')[0] ?? '', 'Erased-Ada', 'Lovelace-Gone'];

const belongings = async (id: string): Promise<number> => {
  const counts = await Promise.all(
    relationsTo('User').map(({ child }) => child.collection.countDocuments({ userId: new Types.ObjectId(id) })),
  );
  return counts.reduce((sum, count) => sum + count, 0);
};

describe('an erased account', () => {
  it('leaves no personal value anywhere, and a receipt that says what went', async () => {
    const ada = await someone();
    expect(await belongings(ada.id)).toBeGreaterThan(5);
    const response = await erase(ada.id);
    expect(outcome(response)).toBe('200');
    expect(response.json()).toMatchObject({ id: ada.id, status: 'purged', removed: { sessions: 0, credentials: 11 } });
    expect(await belongings(ada.id)).toBe(0);
    const left = await dump();
    for (const trace of traces(ada)) expect(left).not.toContain(trace);
    expect(outcome(await admin.call('GET', `/v1/admin/users/${ada.id}`))).toBe('404 not-found');
  });

  it('is in the ledger, which names nobody', async () => {
    const ada = await someone();
    const { ledgerEntry } = (await erase(ada.id)).json();
    expect(ledgerEntry).toBe(await ledgerEntryOf(there.deps.keyring, new Types.ObjectId(ada.id)));
    expect(await Erasure.exists({ _id: ledgerEntry })).not.toBeNull();
    expect(JSON.stringify(await Erasure.find().lean())).not.toContain(ada.id);
  });

  it('is refused everywhere at once, by every kind of credential', async () => {
    const ada = await someone();
    await erase(ada.id);
    for (const on of [here, there]) {
      expect(outcome(await ada.call('GET', '/v1/users/me', undefined, { on }))).toBe('401 invalid-token');
      expect(outcome(await refresh(on, ada.refreshToken))).toBe('401 invalid-token');
    }
    await expect(signIn(here, ada.email)).rejects.toThrow('401');
  });

  it('leaves an audit trail that verifies, without its address and without what was written about it', async () => {
    const ada = await someone();
    await admin.call('POST', `/v1/admin/users/${ada.id}/suspend`, { reason: 'Erased-Ada wrote this' });
    await sealAll(sealingOptions(here));
    await erase(ada.id);
    await sealAll(sealingOptions(here));
    const { verified } = await verifyAuditTrail({ keyring: here.deps.keyring });
    expect(verified.findings).toBe(0);
    expect(verified.erased).toBeGreaterThan(3);
    const about = await AuditEvent.find({ 'target.id': ada.id, action: { $ne: 'user.purged' } }).lean();
    expect(about.filter(({ personal }) => personal != null)).toEqual([]);
  });

  it('frees its email', async () => {
    const ada = await someone();
    await erase(ada.id);
    expect((await call(here, 'POST', '/v1/users', { email: ada.email, password: ada.password })).statusCode).toBe(201);
  });

  it('is told of once in the audit trail, in the name of who did it and then as done', async () => {
    const ada = await someone();
    await erase(ada.id);
    const events = await AuditEvent.find({
      'target.id': ada.id,
      action: { $in: ['user.deleted', 'user.erased', 'user.purged'] },
    })
      .sort({ _id: 1 })
      .lean();
    expect(events.map(({ action, actor }) => [action, String(actor.id)])).toEqual([
      ['user.erased', admin.id],
      ['user.deleted', admin.id],
      ['user.purged', admin.id],
    ]);
  });

  it('that was deleted before is not counted as deleted again', async () => {
    const ada = await someone();
    await admin.call('DELETE', `/v1/admin/users/${ada.id}`);
    await erase(ada.id);
    expect(await AuditEvent.countDocuments({ 'target.id': ada.id, action: 'user.deleted' })).toBe(1);
  });

  it('by many at once is erased once', async () => {
    const ada = await someone();
    const answers = await inParallel([here, there], 6, (on) => erase(ada.id, admin, on));
    const outcomes = answers.map(outcome);
    expect(outcomes.filter((each) => each === '200').length).toBeGreaterThan(0);
    expect(outcomes.filter((each) => each !== '200' && each !== '404 not-found')).toEqual([]);
    expect(await AuditEvent.countDocuments({ 'target.id': ada.id, action: 'user.purged' })).toBe(1);
    expect(await belongings(ada.id)).toBe(0);
  });
});

describe('an erasure that breaks off', () => {
  it('cannot be restored, and is gone on with by the schedule', async () => {
    const ada = await someone();
    await transaction((tx) => eraseUser(tx, SYSTEM, { id: new Types.ObjectId(ada.id) }));
    // Killed after the first of its belongings.
    await Session.deleteMany({ userId: ada.id });
    expect(outcome(await admin.call('POST', `/v1/admin/users/${ada.id}/restore`, reason))).toBe(
      '409 restore-period-over',
    );
    const counts = await runRetention(retentionRules(here.config, here.deps.keyring), new AbortController().signal);
    expect(counts['deleted-accounts']).toBeGreaterThan(0);
    expect(await User.exists({ _id: ada.id })).toBeNull();
    const left = await dump();
    for (const trace of traces(ada)) expect(left).not.toContain(trace);
  });

  it('by several runs at once is gone on with once', async () => {
    const ada = await someone();
    const id = new Types.ObjectId(ada.id);
    await transaction((tx) => eraseUser(tx, SYSTEM, { id }));
    const runs = await Promise.all(Array.from({ length: 4 }, () => purgeUser(here.deps.keyring, SYSTEM, id)));
    expect(runs.filter(Boolean)).toHaveLength(1);
    expect(await AuditEvent.countDocuments({ 'target.id': id, action: 'user.purged' })).toBe(1);
  });
});

describe('a legal hold', () => {
  it('stops erasure, deletion and purge, and says so; a release lets them go on', async () => {
    const ada = await someone();
    const url = `/v1/admin/users/${ada.id}`;
    expect((await admin.call('POST', `${url}/hold`, reason)).json()).toMatchObject({ legalHold: true });
    expect(outcome(await erase(ada.id))).toBe('409 legal-hold');
    expect(outcome(await admin.call('DELETE', url))).toBe('409 legal-hold');
    expect(outcome(await ada.call('DELETE', '/v1/users/me'))).toBe('409 legal-hold');
    expect(outcome(await ada.call('GET', '/v1/users/me'))).toBe('200');
    expect((await admin.call('POST', `${url}/release`, reason)).json()).not.toHaveProperty('legalHold');
    expect(outcome(await erase(ada.id))).toBe('200');
  });

  it('on a deleted account keeps it from being purged when its time is over', async () => {
    const ada = await someone();
    const url = `/v1/admin/users/${ada.id}`;
    await admin.call('DELETE', url);
    await admin.call('POST', `${url}/hold`, reason);
    await User.updateOne({ _id: ada.id }, { $set: { purgeAt: new Date(Date.now() - 1000) } });
    expect(await purgeUser(here.deps.keyring, SYSTEM, new Types.ObjectId(ada.id))).toBeNull();
    expect(await User.exists({ _id: ada.id })).not.toBeNull();
    expect(outcome(await admin.call('POST', `${url}/release`, reason))).toBe('200');
    expect(await purgeUser(here.deps.keyring, SYSTEM, new Types.ObjectId(ada.id))).not.toBeNull();
  });

  it('comes too late for what is being purged', async () => {
    const ada = await someone();
    await transaction((tx) => eraseUser(tx, SYSTEM, { id: new Types.ObjectId(ada.id) }));
    expect(outcome(await admin.call('POST', `/v1/admin/users/${ada.id}/hold`, reason))).toBe('409 invalid-status');
  });
});

it('asks for a recent sign-in', async () => {
  const other = await person(here, { roles: ['user', 'admin'] });
  await age(other.sessionId, 11);
  const ada = await someone();
  expect(outcome(await erase(ada.id, other))).toBe('403 reauthentication-required');
  expect(await User.exists({ _id: ada.id })).not.toBeNull();
});

it('the last admin is not erased', async () => {
  const lonely = await theOneAdmin();
  expect(outcome(await lonely.call('POST', `/v1/admin/users/${lonely.id}/erase`, reason))).toBe('409 last-admin');
});

/** All others lose the role. */
async function theOneAdmin(): Promise<Person> {
  await User.updateMany({ roles: 'admin', email: { $ne: admin.email } }, { $set: { roles: ['user'] } });
  return signIn(here, admin.email);
}
