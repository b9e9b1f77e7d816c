import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toId } from '../../src/models/ids.ts';
import { Invitation } from '../../src/models/invitation.ts';
import { Membership } from '../../src/models/membership.ts';
import { Team } from '../../src/models/team.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { remove } from '../helpers/domain-models.ts';
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

  it('is worth what its sender may still do', async () => {
    const team = await newTeam(ada);
    await join(team, bob, 'admin');
    await join(team, eve, 'owner');
    const invite = async (who: Person, { email }: Person, role: string) => {
      expect(outcome(await who.call('POST', `${team.url}/invitations`, { email, role }))).toBe('201');
      return invitationToken(service, email);
    };
    const ivy = await person(service);
    const own = await invite(bob, bob, 'member');
    const [crown, plain] = [await invite(eve, admin, 'owner'), await invite(eve, ivy, 'admin')];
    expect((await ada.call('DELETE', await memberUrl(ada, team, bob))).statusCode).toBe(204);
    await memberUrl(ada, team, eve, 'admin');
    expect(outcome(await accepted(bob, own))).toBe('401 invalid-code');
    expect(outcome(await accepted(admin, crown))).toBe('401 invalid-code');
    expect(outcome(await accepted(ivy, plain))).toBe('200');
    expect(await Membership.countDocuments({ teamId: team.id })).toBe(3);
  });

  it('works no more for a team that was deleted a moment ago', async () => {
    const team = await newTeam(ada);
    await ada.call('POST', `${team.url}/invitations`, { email: bob.email, role: 'member' });
    const token = await invitationToken(service, bob.email);
    // Nothing that belongs to it has followed yet.
    await remove(Team.modelName, toId(team.id));
    expect(outcome(await accepted(bob, token))).toBe('401 invalid-code');
    expect(await Membership.countDocuments({ teamId: team.id })).toBe(1);
  });

  it('that its sender may not make uses nothing up', async () => {
    const team = await newTeam(ada);
    await join(team, bob, 'admin');
    const body = { email: freshEmail(), role: 'owner' };
    const invite = (who: Person) => who.call('POST', `${team.url}/invitations`, body);
    for (let time = 0; time < 11; time += 1)
      expect([outcome(await invite(eve)), outcome(await invite(bob))]).toEqual(['404 not-found', '403 forbidden']);
    expect(outcome(await invite(ada))).toBe('201');
  });

  it('is seen by owners and admins alone', async () => {
    const team = await newTeam(ada);
    await join(team, bob);
    const { id } = (await ada.call('POST', `${team.url}/invitations`, { email: freshEmail(), role: 'member' })).json();
    for (const url of [`${team.url}/invitations`, `${team.url}/invitations/${id}`])
      expect([outcome(await ada.call('GET', url)), outcome(await bob.call('GET', url))]).toEqual([
        '200',
        '404 not-found',
      ]);
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
