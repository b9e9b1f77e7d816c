import { Schema } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { defaultOf, plainDefault } from '../../src/migration-draft/defaults.ts';

describe('the default of a path', () => {
  it.each<[string, object, unknown]>([
    ['a text', { type: String, default: 'none' }, 'none'],
    ['nothing of a text', { type: String, default: '' }, ''],
    ['a number', { type: Number, default: 0 }, 0],
    ['a truth', { type: Boolean, default: false }, false],
    ['a list', { type: [String], default: ['user'] }, ['user']],
  ])('is taken as it stands: %s', (_, definition, value) => {
    expect(plainDefault(new Schema({ path: definition }), 'path')).toEqual(value);
  });

  it.each<[string, object]>([
    ['there is none', { type: String }],
    ['it is made at the moment', { type: Date, default: Date.now }],
    ['it is the text of a time', { type: Date, default: '2026-01-01T00:00:00Z' }],
    ['it is the text of a number', { type: Number, default: '5' }],
    ['it is the text of an id', { type: Schema.Types.ObjectId, default: '507f1f77bcf86cd799439011' }],
    ['it is a decimal as a number', { type: Schema.Types.Decimal128, default: 0 }],
    ['it is a number of a text', { type: String, default: 7 }],
    ['it is none of the type at all', { type: Number, default: 'many' }],
  ])('is for a person to say where %s', (_, definition) => {
    expect(plainDefault(new Schema({ path: definition }), 'path')).toBeUndefined();
  });

  it('is that of the model of the collection', () => {
    expect(defaultOf('users', 'status')).toBe('active');
    expect(defaultOf('users', 'nothing')).toBeUndefined();
    expect(defaultOf('nothing', 'status')).toBeUndefined();
  });
});
