import mongoose, { Schema } from 'mongoose';
import { afterEach, describe, expect, it } from 'vitest';
import { collections, resources } from '../../src/collections/index.ts';
import { LIFE_FIELDS } from '../../src/models/life.ts';
import { checkRelations, ON_DELETE, relationsOf, relationsTo } from '../../src/models/relations.ts';

it.each(collections.map(({ name, model }) => [name, model.modelName]))(
  'the references of %s can be kept',
  (_, name) => {
    expect(() => checkRelations(mongoose.model(name))).not.toThrow();
  },
);

it('what the service itself keeps of an account goes with it', () => {
  const domain = new Set(resources.map(({ modelName }) => modelName));
  const own = relationsTo('User').filter(({ child }) => !domain.has(child.modelName));
  expect(own.length).toBeGreaterThan(7);
  expect(new Set(own.map(({ onDelete }) => onDelete))).toEqual(new Set(['cascade']));
});

const id = { type: Schema.Types.ObjectId };

describe('a model that could not keep its references is refused:', () => {
  const forget = () => void (mongoose.models['Faulty'] && mongoose.deleteModel('Faulty'));
  afterEach(forget);

  /** A model with these fields and, unless told otherwise, an index for the path `otherId`. */
  const check = (fields: object, indexed: readonly string[] = ['otherId'], options: object = {}) => {
    forget();
    const schema = new Schema(fields, { collection: 'faulty' });
    for (const path of indexed) schema.index({ [path]: 1, _id: 1 }, options);
    mongoose.model('Faulty', schema);
    return () => checkRelations({ modelName: 'Faulty' });
  };

  it.each(ON_DELETE)('not one that says what becomes of it (%s)', (onDelete) => {
    const fields = { ...LIFE_FIELDS, otherId: { ...id, ref: 'User', onDelete } };
    expect(check(fields)).not.toThrow();
    expect(relationsOf('Faulty')).toMatchObject([{ path: 'otherId', parentName: 'User', onDelete }]);
    expect(relationsTo('User').some(({ child }) => child.modelName === 'Faulty')).toBe(true);
  });

  it('no policy, or another one', () => {
    for (const more of [{}, { onDelete: 'ignore' }])
      expect(check({ otherId: { ...id, ref: 'User', ...more } })).toThrow(
        'Faulty.otherId: a reference names its model',
      );
  });

  it('a model that is not there', () => {
    expect(check({ otherId: { ...id, ref: 'Nothing', onDelete: 'cascade' } })).toThrow('there is no model Nothing');
  });

  it('a parent whose deletion and a new reference would not conflict', () => {
    const otherId = { ...id, ref: 'Session', onDelete: 'cascade' };
    expect(check({ ...LIFE_FIELDS, otherId })).toThrow('Session has no childrenRevision');
  });

  it('no index, or one that leaves out some of them', () => {
    const fields = { otherId: { ...id, ref: 'User', onDelete: 'cascade' }, state: String };
    expect(check(fields, [])).toThrow('no index begins with it');
    const part = (path: string) => ({ partialFilterExpression: { [path]: { $exists: true } } });
    expect(check(fields, ['otherId'], part('state'))).toThrow('no index begins with it');
    expect(check(fields, ['otherId'], part('otherId'))).not.toThrow();
  });

  it('a reference that is needed and would be taken away', () => {
    for (const onDelete of ['nullify', 'anonymise']) {
      expect(check({ otherId: { ...id, ref: 'User', onDelete, required: true } })).toThrow('cannot be left empty');
    }
  });

  it('a personal value that is needed and would be taken away', () => {
    const name = { type: String, personal: true, required: true };
    expect(check({ otherId: { ...id, ref: 'User', onDelete: 'anonymise' }, name })).toThrow('the personal path name');
  });

  it('references in lists and subdocuments', () => {
    const ref = { ...id, ref: 'User', onDelete: 'cascade' };
    expect(check({ otherIds: [ref] }, [])).toThrow('a collection of their own');
    expect(check({ part: new Schema({ otherId: ref }) }, [])).toThrow('a collection of their own');
    expect(check({ parts: [new Schema({ otherId: ref })] }, [])).toThrow('a collection of their own');
  });
});
