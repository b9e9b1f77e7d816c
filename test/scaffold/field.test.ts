import { describe, expect, it } from 'vitest';
import { fieldOf } from '../../src/scaffold/field.ts';
import { Refusal } from '../../src/scaffold/refusal.ts';

const plain = { optional: false, unique: false, filter: false, sort: false };

describe('a field', () => {
  it.each([
    ['title:string', { name: 'title', type: { name: 'string', maxLength: 200 } }],
    ['code:string(2) unique', { type: { name: 'string', maxLength: 2 }, unique: true }],
    ['  note : text(500)   optional ', { name: 'note', type: { name: 'text', maxLength: 500 }, optional: true }],
    ['amount:integer filter sort', { type: { name: 'integer' }, filter: true, sort: true }],
    ['status:enum(draft|in-progress)', { type: { name: 'enum', values: ['draft', 'in-progress'] } }],
    ['customerId:reference(customers)', { type: { name: 'reference', to: 'customers', onDelete: 'restrict' } }],
    ['itemId:reference(line-items/cascade)', { type: { name: 'reference', to: 'line_items', onDelete: 'cascade' } }],
    ['byId:reference(users/nullify) optional', { type: { onDelete: 'nullify' }, optional: true }],
  ])('is read from %j', (text, field) => {
    expect(fieldOf(text)).toMatchObject({ ...plain, ...field });
  });

  it('is sorted by what it is filtered by, where the order serves the filter', () => {
    expect(fieldOf('dueAt:date filter')).toMatchObject({ filter: true, sort: true });
    expect(fieldOf('number:string unique filter')).toMatchObject({ filter: true, sort: true });
    expect(fieldOf('status:enum(a|b) filter')).toMatchObject({ filter: true, sort: false });
  });

  it.each([
    ['title', 'camel case'],
    ['Title:string', 'camel case'],
    ['due_at:date', 'camel case'],
    [':string', 'camel case'],
    [`${'a'.repeat(41)}:string`, 'camel case'],
    ['title:', 'no type'],
    ['title:varchar', 'no type varchar'],
    ['title:string(0)', 'from 1 to 500'],
    ['title:string(501)', 'from 1 to 500'],
    ['title:string()', 'from 1 to 500'],
    ['total:decimal(2)', 'nothing in parentheses'],
    ['status:enum', 'say its values'],
    ['status:enum(draft)', 'from 2'],
    ['status:enum(a|a)', 'twice'],
    ["status:enum(a|b')", 'say its values'],
    ['customerId:reference', 'say a collection'],
    ['customerId:reference(customers/forget)', 'restrict, cascade'],
    ['customer:reference(customers)', 'Id at the end'],
    ['customerId:reference(customers/nullify)', 'optional'],
    ['title:string often', 'no option often'],
    ['title:text sort', 'no sense'],
    ['done:boolean unique', 'no sense'],
    ['total:decimal filter', 'no sense'],
    ['title:string optional sort', 'no place in an order'],
    ['dueAt:date optional filter', 'range'],
    ['number:string optional unique filter', 'no place in an order'],
    ['total:integer filter', 'parameter total'],
    ['id:string', 'taken'],
    ['createdAt:date', 'taken'],
    [
      'userId:reference(users)',
      'which is what --owner user is for; call what is not that otherwise, as in otherUserId',
    ],
    ['teamId:string optional', 'which is what --owner team is for'],
    ['included:boolean', 'taken'],
    ['errors:text', 'taken'],
    ['constructor:string', 'taken'],
  ])('is refused as %j', (text, why) => {
    expect(() => fieldOf(text)).toThrow(Refusal);
    expect(() => fieldOf(text)).toThrow(why);
    expect(() => fieldOf(text)).toThrow(`--field "${text}"`);
  });
});
