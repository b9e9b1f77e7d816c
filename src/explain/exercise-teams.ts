import type { Exercise, Person, Scene } from './scene.ts';

/** A team with an owner and another member. */
interface Team {
  readonly owner: Person;
  readonly member: Person;
  readonly url: string;
}

/** The token of the mail that an invitation of a team has sent. */
async function invite(scene: Scene, owner: Person, url: string, email: string, role = 'member'): Promise<string> {
  await scene.prepare({ method: 'POST', url: `${url}/invitations`, as: owner, body: { email, role } });
  return scene.lastToken('team-invitation');
}

async function newTeam(scene: Scene): Promise<{ owner: Person; url: string }> {
  const owner = await scene.person();
  const { id } = (
    await scene.prepare({ method: 'POST', url: '/v1/teams', as: owner, body: { name: 'Engines' } })
  ).json();
  return { owner, url: `/v1/teams/${id}` };
}

async function team(scene: Scene): Promise<Team> {
  const { owner, url } = await newTeam(scene);
  const member = await scene.person();
  const token = await invite(scene, owner, url, member.email);
  await scene.prepare({ method: 'POST', url: '/v1/invitations/accept', as: member, body: { token } });
  return { owner, member, url };
}

/** The membership of somebody, by its URL. */
async function memberUrl(scene: Scene, { owner, member, url }: Team): Promise<string> {
  const { items } = (await scene.prepare({ method: 'GET', url: `${url}/members`, as: owner })).json();
  const { id } = items.find(({ userId }: { userId: string }) => userId === member.id);
  return `${url}/members/${id}`;
}

/** Routes of members, and what is done with teams besides what is done with everything. */
export const TEAM_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  async 'GET /v1/teams/:teamId/members'(scene) {
    const { member, url } = await team(scene);
    for (const query of [{}, { role: 'member' }, { include: 'user' }, { total: 'true' }]) {
      const request = { method: 'GET', url: `${url}/members`, as: member } as const;
      const { nextCursor } = (await scene.send({ ...request, query: { ...query, limit: '1' } })).json();
      if (nextCursor !== null) await scene.send({ ...request, query: { ...query, limit: '1', cursor: nextCursor } });
    }
  },

  async 'GET /v1/teams/:teamId/members/:id'(scene) {
    const made = await team(scene);
    const url = await memberUrl(scene, made);
    await scene.send({ method: 'GET', url, as: made.member });
    await scene.send({ method: 'GET', url, as: made.member, query: { include: 'user' } });
  },

  async 'PATCH /v1/teams/:teamId/members/:id'(scene) {
    const made = await team(scene);
    const request = { method: 'PATCH', url: await memberUrl(scene, made), as: made.owner } as const;
    const { headers } = await scene.send({ ...request, body: { role: 'admin' } });
    await scene.send({ ...request, body: { role: 'owner' }, headers: { 'if-match': String(headers['etag']) } });
    await scene.send({ ...request, body: { role: 'admin' }, headers: { 'if-match': '"0"' }, expect: 412 });
  },

  async 'DELETE /v1/teams/:teamId/members/:id'(scene) {
    const made = await team(scene);
    const request = { method: 'DELETE', url: await memberUrl(scene, made) } as const;
    await scene.send({ ...request, as: made.member, expect: 403 });
    await scene.send({ ...request, as: made.owner });
  },

  async 'GET /v1/admin/teams/:teamId/members'(scene) {
    const { url } = await team(scene);
    const request = { method: 'GET', url: url.replace('/v1', '/v1/admin'), as: await scene.admin() } as const;
    for (const query of [{}, { role: 'owner' }])
      await scene.send({ ...request, url: `${request.url}/members`, query: { ...query, limit: '1' } });
  },

  async 'POST /v1/teams/:teamId/leave'(scene) {
    const { owner, member, url } = await team(scene);
    await scene.send({ method: 'POST', url: `${url}/leave`, as: member });
    await scene.send({ method: 'POST', url: `${url}/leave`, as: owner, expect: 409 });
  },

  async 'POST /v1/teams/:teamId/transfer'(scene) {
    const { owner, member, url } = await team(scene);
    await scene.send({ method: 'POST', url: `${url}/transfer`, as: owner, body: { userId: member.id } });
    await scene.send({ method: 'POST', url: `${url}/transfer`, as: owner, body: { userId: owner.id }, expect: 403 });
  },

  async 'POST /v1/admin/teams/:teamId/transfer'(scene) {
    const { member, url } = await team(scene);
    const request = { method: 'POST', url: `${url.replace('/v1', '/v1/admin')}/transfer` } as const;
    await scene.send({ ...request, as: await scene.admin(), body: { userId: member.id } });
  },

  async 'POST /v1/invitations/accept'(scene) {
    const { owner, url } = await newTeam(scene);
    const guest = await scene.person();
    const request = { method: 'POST', url: '/v1/invitations/accept' } as const;
    const token = await invite(scene, owner, url, guest.email, 'admin');
    await scene.send({ ...request, as: guest, body: { token } });
    await scene.send({ ...request, as: guest, body: { token }, expect: 401 });
    const other = await invite(scene, owner, url, `${guest.id}@elsewhere.example`);
    await scene.send({ ...request, as: guest, body: { token: other }, expect: 403 });
  },
});
