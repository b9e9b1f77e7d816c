import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { Invitation } from '../../src/models/invitation.ts';
import { Membership } from '../../src/models/membership.ts';
import { Team } from '../../src/models/team.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { inParallel, outcome } from '../helpers/parallel.ts';
import { freshEmail, type Person, person } from '../helpers/people.ts';
import { accepted, invitationToken, join, memberUrl, newTeam } from '../helpers/teams.ts';

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

describe('an invitation', () => {
  it('is mailed, and makes a member of whoever has the mailbox, once', async () => {
    const team = await newTeam(ada);
    const made = await ada.call('POST', `${team.url}/invitations`, { email: bob.email.toUpperCase(), role: 'admin' });
    expect(made.json()).toMatchObject({ email: bob.email, role: 'admin', invitedBy: ada.id });
    const token = await invitationToken(service, bob.email);
    expect(outcome(await accepted(eve, token))).toBe('403 forbidden');
    const answers = await inParallel([service, there], 4, (on) => accepted(bob, token, on));
    expect(answers.map(outcome).sort()).toEqual(['200', '401 invalid-code', '401 invalid-code', '401 invalid-code']);
    expect(await Membership.countDocuments({ teamId: team.id, userId: bob.id, role: 'admin' })).toBe(1);
    expect(await Invitation.countDocuments({ teamId: team.id })).toBe(0);
  });

  it('that the wrong account tries stays for the right one', async () => {
    const team = await newTeam(ada);
    await ada.call('POST', `${team.url}/invitations`, { email: bob.email, role: 'member' });
    const token = await invitationToken(service, bob.email);
    for (const wrong of [eve, admin]) expect(outcome(await accepted(wrong, token))).toBe('403 forbidden');
    expect(outcome(await accepted(bob, token))).toBe('200');
  });

  it('works no more once it is taken back, or its time is over', async () => {
    const team = await newTeam(ada);
    const make = async () => {
      const { id } = (await ada.call('POST', `${team.url}/invitations`, { email: bob.email, role: 'member' })).json();
      return { id, token: await invitationToken(service, bob.email) };
    };
    const first = await make();
    expect((await ada.call('DELETE', `${team.url}/invitations/${first.id}`)).statusCode).toBe(204);
    expect(outcome(await accepted(bob, first.token))).toBe('401 invalid-code');
    const second = await make();
    await Invitation.updateOne({ _id: second.id }, { $set: { expiresAt: new Date(Date.now() - 1) } });
    expect(outcome(await accepted(bob, second.token))).toBe('401 invalid-code');
    expect(await Membership.countDocuments({ teamId: team.id })).toBe(1);
  });

  it('is one for a team and an email, and none for what is no email', async () => {
    const team = await newTeam(ada);
    const email = freshEmail();
    const invite = (body: object) => ada.call('POST', `${team.url}/invitations`, body);
    expect(outcome(await invite({ email, role: 'member' }))).toBe('201');
    const twice = await invite({ email, role: 'member' });
    expect(outcome(twice)).toBe('409 value-taken');
    expect(twice.json().errors).toEqual([expect.objectContaining({ pointer: '/email', code: 'taken' })]);
    expect(outcome(await invite({ email: 'nobody', role: 'member' }))).toBe('400 validation-failed');
    expect(outcome(await invite({ email: freshEmail(), role: 'king' }))).toBe('400 validation-failed');
  });

  it('to own a team comes from an owner', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    await memberUrl(ada, team, bob, 'admin');
    const invite = (who: Person, role: string) =>
      who.call('POST', `${team.url}/invitations`, { email: freshEmail(), role });
    expect(outcome(await invite(bob, 'owner'))).toBe('403 forbidden');
    expect(outcome(await invite(bob, 'admin'))).toBe('201');
    expect(outcome(await invite(ada, 'owner'))).toBe('201');
    expect(outcome(await invite(eve, 'member'))).toBe('404 not-found');
  });

  it('is gone with the account that it is for', async () => {
    const team = await newTeam(ada);
    const gone = await person(service);
    await ada.call('POST', `${team.url}/invitations`, { email: gone.email, role: 'member' });
    await admin.call('POST', `/v1/admin/users/${gone.id}/erase`, { reason: 'asked for it' });
    expect(await Invitation.countDocuments({ email: gone.email })).toBe(0);
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
    expect(outcome(await ada.call('POST', `${team.url}/transfer`, { userId: eve.id }))).toBe('404 not-found');
    expect((await ada.call('POST', `${team.url}/transfer`, { userId: gone.id })).json()).toMatchObject({
      role: 'owner',
    });
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
