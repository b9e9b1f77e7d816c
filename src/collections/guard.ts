import { GUARDS, Guard } from '../models/guard.ts';
import { defineCollection } from './define.ts';

export const guards = defineCollection({
  model: Guard,
  purpose:
    'One document for each rule over several documents. Every transaction that could break the rule writes it, so that two of them conflict.',
  public: {},
  admin: {},
  private: { _id: 'The rule; `admins`: one admin who can sign in is left.', revision: 'Counts the transactions.' },
  computed: {},
  indexes: {},
  relations: [],
  enums: { Guard: GUARDS },
  retention: 'Kept; made by a migration.',
  notJournaled: 'Tells nothing: transactions meet there.',
  wire: [],
});
