import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJsonList } from '../../src/import/json-list.ts';
import { MAX_RECORD_BYTES, type RawRecord } from '../../src/import/records.ts';

async function read(source: string | readonly Buffer[], name?: string): Promise<RawRecord[]> {
  const chunks = typeof source === 'string' ? [Buffer.from(source)] : source;
  const records: RawRecord[] = [];
  for await (const record of readJsonList(Readable.from(chunks), name)) records.push(record);
  return records;
}

const brief = (records: readonly RawRecord[]) =>
  records.map((record) => [record.line, 'text' in record ? JSON.parse(record.text) : record.problem.code]);

describe('a JSON document', () => {
  it('is cut into the objects of the list that it is', async () => {
    expect(brief(await read('\uFEFF [\n{"a":1},{"b":[{"c":"]}"}]}\n,\n {"d":"\\"}"}\n]\n'))).toEqual([
      [2, { a: 1 }],
      [2, { b: [{ c: ']}' }] }],
      [4, { d: '"}' }],
    ]);
    expect(await read('[]')).toEqual([]);
  });

  it('is cut into those of the list that a member is, and of no other list', async () => {
    const document = {
      users: { users: [{ no: 1 }] },
      more: [{ users: [{ no: 2 }] }, ['users']],
      'users"': [{ no: 3 }],
      list: [{ yes: 1 }, { yes: 2 }],
      rest: [{ no: 4 }],
    };
    expect(brief(await read(JSON.stringify(document), 'list'))).toEqual([
      [1, { yes: 1 }],
      [1, { yes: 2 }],
    ]);
    expect(brief(await read('[{"a":1}]', 'list'))).toEqual([[1, { a: 1 }]]);
  });

  it.each([
    ['lists', '[{"a":1}]\n[{"b":1},{"c":1}]'],
    ['lists, the first with a bracket too many', '[{"a":1}]]\n[{"b":1},{"c":1}]'],
    ['documents', '{"list":[{"a":1}],"next":"x"}\n{"rest":[{"no":1}],"list":[{"b":1},{"c":1}]}'],
    ['documents that end with their list', '{"list":[{"a":1}]}\n{"list":[{"b":1},{"c":1}]}'],
    ['documents, and a list of something else between', '{"list":[{"a":1}]}\n{[{"no":1}]}{"list":[{"b":1},{"c":1}]}'],
  ])('may be followed by another: %s', async (_, text) => {
    expect(brief(await read(text, 'list'))).toEqual([
      [1, { a: 1 }],
      [2, { b: 1 }],
      [2, { c: 1 }],
    ]);
  });

  it.each(['', '{}', '{"users":{}}', '{"other":[{}]}', '{"a":{"list":[{}]}}', '"list"'])(
    'without the list is no file to import: %j',
    async (text) => {
      await expect(read(text, 'list')).rejects.toThrow('The file holds no list of accounts named "list".');
    },
  );

  it.each(['[{"a":1},', '[{"a":1}', '{"list":[{"a":1},{"b"', '[{"a":1}][{"b":1}'])(
    'that is cut off is told: %j',
    async (text) => {
      const records = await read(text, 'list');
      expect(brief(records.slice(0, 1))).toEqual([[1, { a: 1 }]]);
      expect(records.at(-1)).toMatchObject({ problem: { detail: 'is where the file ends within its list' } });
    },
  );

  it.each(['[1,{"a":1}]', '[{"a":1},null]', '["{}",{"a":1}]', '[[{}],{"a":1}]'])(
    'with something else in its list is told, and the rest is read: %j',
    async (text) => {
      const found = brief(await read(text));
      expect(found).toContainEqual([1, { a: 1 }]);
      expect(found).toContainEqual([1, 'invalid-json']);
    },
  );

  it('with an object that is too long is read on behind it, at bounded memory', async () => {
    const long = `{"a":"${'x'.repeat(MAX_RECORD_BYTES)}"}`;
    expect(brief(await read(`[${long},{"b":1}]`))).toEqual([
      [1, 'too-long'],
      [1, { b: 1 }],
    ]);
  });

  it('is cut alike however it is indented and its bytes arrive', async () => {
    const list = fc.array(fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }));
    const spaces = fc.constantFrom(undefined, 2, '\t');
    await fc.assert(
      fc.asyncProperty(
        list,
        spaces,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (users, indent, sizes) => {
          const whole = Buffer.from(`${JSON.stringify({ before: { users: 1 }, users, after: [1] }, null, indent)}\n`);
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < whole.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            pieces.push(whole.subarray(at, at + size));
            at += size;
          }
          const records = await read([whole], 'users');
          expect(records.map((record) => ('text' in record ? JSON.parse(record.text) : record))).toEqual(
            JSON.parse(JSON.stringify(users)),
          );
          expect(await read(pieces, 'users')).toEqual(records);
        },
      ),
    );
  });
});
