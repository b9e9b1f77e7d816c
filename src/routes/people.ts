import { User } from '../models/user.ts';
import { NAMES, NAMES_READ, namesOf } from '../models/user-names.ts';
import { Person } from '../schemas/person.ts';
import type { Includable } from './resource/declaration.ts';
import { shower } from './resource/show.ts';

const show = shower(Person, NAMES);

/** Accounts, as those see them who have something in common with them. To be included by a path that holds an account. */
export const people: Includable = {
  modelName: User.modelName,
  viewId: Person.$id,
  visibleTo: async () => ({ status: 'active' }),
  projectionFor: async () => ({ ...NAMES_READ, avatarUrl: 1 }),
  show: (document, keyring) => ({ ...show(document), ...namesOf(keyring, document) }),
};
