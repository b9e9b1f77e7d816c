import { Type } from 'typebox';
import { Id, named } from './common.ts';

/** What a person is to those who have something in common with them. */
export const Person = named(
  'Person',
  {
    id: Id,
    firstName: Type.Optional(Type.String()),
    lastName: Type.Optional(Type.String()),
    avatarUrl: Type.Optional(Type.String()),
  },
  { description: 'An account, as those see it who have something in common with it.' },
);
