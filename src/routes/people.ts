import { User } from '../models/user.ts';
import { Person } from '../schemas/person.ts';
import type { Includable } from './resource/declaration.ts';
import { shower } from './resource/show.ts';

/** Accounts, as those see them who have something in common with them. To be included by a path that holds an account. */
export const people: Includable = {
  modelName: User.modelName,
  viewId: Person.$id,
  visibleTo: async () => ({ status: 'active' }),
  projectionFor: async () => ({ firstName: 1, lastName: 1, avatarUrl: 1 }),
  show: shower(Person),
};
