import { expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { ownedModels } from '../../src/models/user-removal.ts';

it('an account is removed with every document that belongs to it', () => {
  const related = collections.filter(({ relations }) =>
    relations.some(({ to, path }) => to === 'users' && path === 'userId'),
  );
  expect(
    ownedModels()
      .map(({ modelName }) => modelName)
      .sort(),
  ).toEqual(related.map(({ model }) => model.modelName).sort());
});
