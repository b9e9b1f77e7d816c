import { expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { relationsTo } from '../../src/models/relations.ts';

it('whatever is declared to refer to an account is known to the purge of accounts', () => {
  const declared = collections.flatMap(({ model, relations }) =>
    relations
      // The audit trail keeps the id alone, for good.
      .filter(({ to }) => to === 'users' && model.modelName !== 'AuditEvent')
      .map(({ path }) => `${model.modelName}.${path}`),
  );
  const known = relationsTo('User').map(({ child, path }) => `${child.modelName}.${path}`);
  expect(known.sort()).toEqual(declared.sort());
});
