import { resources } from '../../src/collections/index.ts';
import { documentModel } from '../../src/models/document.ts';
import { Membership, type TeamRole } from '../../src/models/membership.ts';
import { relationsOf } from '../../src/models/relations.ts';
import type { Person } from './people.ts';

/** Makes a team. @returns its id; who makes it owns it */
export async function teamOf(owner: Person): Promise<string> {
  const response = await owner.call('POST', '/v1/teams', { name: 'Analytical engines' });
  if (response.statusCode !== 201) throw new Error(`a new team answered ${response.statusCode}: ${response.body}`);
  return response.json().id;
}

/** Makes somebody a member, behind the service's back. */
export const join = (teamId: string, { id }: Person, role: TeamRole) =>
  insert(Membership.modelName, { teamId, userId: id, role });

async function insert(modelName: string, values: object): Promise<string> {
  const now = new Date();
  const document = new (documentModel(modelName))({ ...values, createdAt: now, updatedAt: now, revision: 1 });
  await document.save();
  return document._id.toHexString();
}

let count = 0;

/**
 * The id of a document for others to refer to, which belongs to that person or team. It is made, with all that it has to
 * refer to itself, behind the service's back.
 */
export async function documentOf(modelName: string, whose: Person, teamId?: string): Promise<string> {
  if (modelName === 'User') return whose.id;
  if (modelName === 'Team') return teamId ?? teamOf(whose);
  const resource = resources.find((each) => each.modelName === modelName);
  const needed = relationsOf(modelName).filter(({ child, path }) => child.schema.path(path).isRequired);
  count += 1;
  const values: Record<string, unknown> = { ...resource?.sample(`parent-${count}`) };
  for (const { path, parentName } of needed) values[path] = await documentOf(parentName, whose, teamId);
  return insert(modelName, values);
}
