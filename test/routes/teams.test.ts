import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Membership } from '../../src/models/membership.ts';
import { Team } from '../../src/models/team.ts';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';
import { join, memberUrl, newTeam } from '../helpers/teams.ts';

let service: TestApp;
let there: TestApp;
let ada: Person;
let bob: Person;
let eve: Person;
let admin: Person;
beforeAll(async () => {
  service = await buildTestApp();
  there = await service.another();
  [ada, bob, eve] = [await person(service), await person(service), await person(service)];
  admin = await person(service, { roles: ['admin'] });
});
afterAll(() => service.close());

describe('a team', () => {
  it('belongs to whoever makes it, and is shown to its members alone', async () => {
    const team = await newTeam(ada);
    expect((await ada.call('GET', team.url)).json()).toMatchObject({ id: team.id, name: 'Engines' });
    const { items } = (await ada.call('GET', `${team.url}/members?include=user`)).json();
    expect(items).toEqual([expect.objectContaining({ userId: ada.id, teamId: team.id, role: 'owner' })]);
    for (const url of [team.url, `${team.url}/members`, `${team.url}/invitations`])
      expect(outcome(await eve.call('GET', url))).toBe('404 not-found');
    expect((await eve.call('GET', '/v1/teams')).json().items).toEqual([]);
  });

  it('is renamed by owners and admins; members are told that they may not', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    expect(outcome(await bob.call('PATCH', team.url, { name: 'Mine' }))).toBe('403 forbidden');
    expect((await ada.call('PATCH', team.url, { name: 'Looms' })).json()).toMatchObject({ name: 'Looms' });
    await memberUrl(ada, team, bob, 'admin');
    expect((await bob.call('PATCH', team.url, { name: 'Ours' })).json()).toMatchObject({ name: 'Ours' });
  });

  it('is hidden from all its members once it is deleted, and comes back with them', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    expect(outcome(await bob.call('DELETE', team.url))).toBe('403 forbidden');
    expect((await ada.call('DELETE', team.url)).statusCode).toBe(204);
    for (const who of [ada, bob]) {
      expect(outcome(await who.call('GET', team.url))).toBe('404 not-found');
      expect(outcome(await who.call('GET', `${team.url}/members`))).toBe('404 not-found');
    }
    expect((await admin.call('POST', `/v1/admin/teams/${team.id}/restore`)).statusCode).toBe(200);
    expect((await bob.call('GET', `${team.url}/members?total=true`)).json()).toMatchObject({ total: 2 });
  });
});

describe('the last owner', () => {
  it('stays: neither leaves, nor is demoted, nor removed', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    const own = await memberUrl(ada, team, ada);
    expect(outcome(await ada.call('POST', `${team.url}/leave`))).toBe('409 last-owner');
    expect(outcome(await ada.call('PATCH', own, { role: 'member' }))).toBe('409 last-owner');
    expect(outcome(await ada.call('DELETE', own))).toBe('409 last-owner');
    expect(await Membership.countDocuments({ teamId: team.id, role: 'owner' })).toBe(1);
  });

  it.each(['leave', 'demote each other'])('of two who %s at once, one stays', async (how) => {
    for (let round = 0; round < 3; round += 1) {
      const team = await newTeam(ada);
      await join(team, bob, 'owner');
      const urls = [await memberUrl(ada, team, bob), await memberUrl(ada, team, ada)];
      const act = (who: Person, on: TestApp) =>
        how === 'leave'
          ? who.call('POST', `${team.url}/leave`, undefined, { on })
          : who.call('PATCH', urls[who === ada ? 0 : 1] ?? '', { role: 'member' }, { on });
      const outcomes = (await Promise.all([act(ada, service), act(bob, there)])).map(outcome).sort();
      expect(outcomes[0]).toMatch(/^20/);
      expect(outcomes[1]).toMatch(/^40[39]/);
      expect(await Membership.countDocuments({ teamId: team.id, role: 'owner' })).toBe(1);
    }
  });

  it('keeps the account, until the team is given away or deleted', async () => {
    const team = await newTeam(ada);
    const gone = await person(service);
    await join(team, gone);
    const give = (who: Person, { id }: Person) => who.call('POST', `${team.url}/transfer`, { userId: id });
    expect(outcome(await give(ada, eve))).toBe('404 not-found');
    expect([outcome(await give(eve, gone)), outcome(await give(gone, gone))]).toEqual([
      '404 not-found',
      '403 forbidden',
    ]);
    expect((await give(ada, gone)).json()).toMatchObject({ role: 'owner' });
    const refused = await gone.call('DELETE', '/v1/users/me');
    expect(outcome(refused)).toBe('409 last-owner');
    expect(refused.json().detail).toContain('Engines');
    expect(outcome(await admin.call('POST', `/v1/admin/users/${gone.id}/erase`, { reason: 'x' }))).toBe(
      '409 last-owner',
    );
    const given = await admin.call('POST', `/v1/admin/teams/${team.id}/transfer`, { userId: ada.id });
    expect(given.json()).toMatchObject({ userId: ada.id, role: 'owner' });
    expect((await gone.call('DELETE', '/v1/users/me')).statusCode).toBe(204);
    expect((await ada.call('GET', `${team.url}/members?total=true`)).json()).toMatchObject({ total: 1 });
  });
});

describe('an owner whose account is deleted', () => {
  it('does not count, though the membership has still to follow', async () => {
    const team = await newTeam(ada);
    const gone = await person(service);
    await join(team, gone, 'owner');
    await User.updateOne({ _id: gone.id }, { $set: { status: 'deleted' } });
    expect(outcome(await ada.call('POST', `${team.url}/leave`))).toBe('409 last-owner');
    expect(outcome(await ada.call('POST', `${team.url}/transfer`, { userId: gone.id }))).toBe('409 last-owner');
    expect(outcome(await ada.call('DELETE', '/v1/users/me'))).toBe('409 last-owner');
    await join(team, bob, 'owner');
    expect((await ada.call('POST', `${team.url}/leave`)).statusCode).toBe(204);
  });

  it('leaves a team that is restored without members to administration', async () => {
    const gone = await person(service);
    const team = await newTeam(gone);
    const any = `/v1/admin/teams/${team.id}`;
    const give = ({ id }: { id: string }) => admin.call('POST', `${any}/transfer`, { userId: id });
    expect((await gone.call('DELETE', team.url)).statusCode).toBe(204);
    expect((await gone.call('DELETE', '/v1/users/me')).statusCode).toBe(204);
    expect(outcome(await give(ada))).toBe('404 not-found');
    expect((await admin.call('POST', `${any}/restore`)).statusCode).toBe(200);
    for (const nobody of [gone, { id: 'f'.repeat(24) }]) expect(outcome(await give(nobody))).not.toBe('200');
    expect((await give(ada)).json()).toMatchObject({ userId: ada.id, teamId: team.id, role: 'owner' });
    expect((await ada.call('GET', `${team.url}/members?total=true`)).json()).toMatchObject({ total: 1 });
  });
});

describe('members', () => {
  it('leave by themselves, and are removed by those who may', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    await join(team, eve, 'admin');
    expect(outcome(await bob.call('DELETE', await memberUrl(ada, team, eve)))).toBe('403 forbidden');
    expect(outcome(await eve.call('DELETE', await memberUrl(ada, team, ada)))).toBe('403 forbidden');
    expect((await eve.call('DELETE', await memberUrl(ada, team, bob))).statusCode).toBe(204);
    expect(outcome(await bob.call('GET', team.url))).toBe('404 not-found');
    expect((await eve.call('POST', `${team.url}/leave`)).statusCode).toBe(204);
    expect(outcome(await eve.call('GET', team.url))).toBe('404 not-found');
    expect(outcome(await eve.call('POST', `${team.url}/leave`))).toBe('404 not-found');
  });

  it('keep their role from one team to the other', async () => {
    const [one, other] = [await newTeam(ada), await newTeam(bob)];
    await join(one, bob);
    const theirs = await memberUrl(ada, one, bob);
    expect(outcome(await bob.call('PATCH', theirs, { role: 'owner' }))).toBe('403 forbidden');
    const through = theirs.replace(one.id, other.id);
    expect(outcome(await bob.call('PATCH', through, { role: 'owner' }))).toBe('404 not-found');
    expect(await Membership.countDocuments({ teamId: one.id, userId: bob.id, role: 'member' })).toBe(1);
  });

  it('each change is told of once in the audit trail, by who made it', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    const url = await memberUrl(ada, team, bob, 'admin');
    const id = url.slice(-24);
    const events = await AuditEvent.find({ 'target.id': id }).sort({ _id: 1 }).lean();
    expect(
      events.map(({ action, actor, target, changes }) => [action, String(actor.id), target.collection, changes]),
    ).toEqual([
      ['document.created', bob.id, 'memberships', undefined],
      ['document.updated', ada.id, 'memberships', ['role']],
    ]);
    expect(await Team.countDocuments({ _id: team.id, revision: 1 })).toBe(1);
  });
});
