import type { LightMyRequestResponse as Response } from 'fastify';
import { transaction } from '../../src/database.ts';
import { toId } from '../../src/models/ids.ts';
import type { TeamRole } from '../../src/models/membership.ts';
import { mailOf, Outbox, type OutboxRecord } from '../../src/models/outbox.ts';
import { addMember } from '../../src/models/team-members.ts';
import type { TestApp } from './app.ts';
import type { Person } from './people.ts';

interface MadeTeam {
  readonly id: string;
  readonly url: string;
}

export async function newTeam(owner: Person): Promise<MadeTeam> {
  const response = await owner.call('POST', '/v1/teams', { name: 'Engines' });
  if (response.statusCode !== 201) throw new Error(`a new team answered ${response.statusCode}: ${response.body}`);
  const { id } = response.json();
  return { id, url: `/v1/teams/${id}` };
}

/** The token of the newest invitation that was mailed to an address. */
export async function invitationToken({ deps }: TestApp, email: string): Promise<string> {
  const records = await Outbox.find({ template: 'team-invitation' }).sort({ _id: -1 }).limit(20).lean<OutboxRecord[]>();
  for (const record of records) {
    const { to, data } = mailOf(deps.keyring, record);
    if (to === email) return (data as { link: string }).link.split('#token=')[1] ?? '';
  }
  throw new Error(`${email} was not invited`);
}

export const accepted = (who: Person, token: string, on?: TestApp): Promise<Response> =>
  who.call('POST', '/v1/invitations/accept', { token }, on ? { on } : {});

/** Makes somebody a member, as an accepted invitation does. */
export async function join({ id }: MadeTeam, who: Person, role: TeamRole = 'member'): Promise<void> {
  const origin = { actor: { type: 'user', id: toId(who.id) } } as const;
  await transaction((tx) => addMember({ tx, origin }, toId(id), toId(who.id), role));
}

/** Where the membership of somebody is, after giving it a role where one is given. */
export async function memberUrl(by: Person, { url }: MadeTeam, who: Person, role?: string): Promise<string> {
  const { items } = (await by.call('GET', `${url}/members?limit=100`)).json();
  const { id } = items.find(({ userId }: { userId: string }) => userId === who.id);
  const own = `${url}/members/${id}`;
  if (role !== undefined) await by.call('PATCH', own, { role });
  return own;
}
