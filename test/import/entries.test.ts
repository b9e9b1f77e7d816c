import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type ColumnNames, type Entry, readEntries } from '../../src/import/entries.ts';
import { Mapping } from '../../src/import/mapping.ts';
import type { PortableFormat } from '../../src/lib/portable-format.ts';

async function read(text: string, format: PortableFormat): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of readEntries(Readable.from([Buffer.from(text)]), format)) entries.push(entry);
  return entries;
}

const values = (entries: readonly Entry[]) => entries.map((entry) => ('value' in entry ? entry.value : entry.problems));

describe('NDJSON', () => {
  it('has a value a line; blank lines are none', async () => {
    const entries = await read('{"email":"a@example.com"}\r\n\n  \nnull\n', 'ndjson');
    expect(entries).toMatchObject([
      { line: 1, value: { email: 'a@example.com' } },
      { line: 4, value: null },
    ]);
  });

  it.each(['{', '{"passwordHash":"$argon2id$secret', "{'email':1}", '{} {}', 'undefined'])(
    'tells of %s, without repeating it',
    async (text) => {
      expect(values(await read(text, 'ndjson'))).toEqual([
        [{ pointer: '', code: 'invalid-json', detail: 'is not a JSON value' }],
      ]);
    },
  );
});

describe('CSV', () => {
  it('reads columns in any order, cells in their types, and empty cells as absent', async () => {
    const text = [
      'roles,emailVerified,email,metadata,firstName',
      'user;admin,TRUE,a@example.com,"{""plan"":""team"",""n"":[1,null]}","=1+1, ""Jr."""',
      ',false,b@example.com,,',
    ].join('\r\n');
    expect(values(await read(text, 'csv'))).toEqual([
      {
        roles: ['user', 'admin'],
        emailVerified: true,
        email: 'a@example.com',
        metadata: { plan: 'team', n: [1, null] },
        firstName: '=1+1, "Jr."',
      },
      { emailVerified: false, email: 'b@example.com' },
    ]);
  });

  it('leaves what is of no type to the check', async () => {
    expect(values(await read('email,emailVerified\na@example.com,yes', 'csv'))).toEqual([
      { email: 'a@example.com', emailVerified: 'yes' },
    ]);
  });

  it('tells of each broken row and reads the others', async () => {
    const rows = ['email,firstName,metadata', 'a@example.com,A', 'b@example.com,B"b,', '"c@example.com,C,'];
    const broken = await read(['email,metadata', 'd@example.com,{plan}', 'e@example.com,'].join('\n'), 'csv');
    expect(values(broken)).toEqual([
      [{ pointer: '/metadata', code: 'invalid-json', detail: 'is not a JSON value' }],
      { email: 'e@example.com' },
    ]);
    expect(await read(rows.join('\n'), 'csv')).toMatchObject([
      { line: 2, problems: [{ code: 'invalid-csv', detail: 'has 2 fields where the header has 3' }] },
      { line: 3, problems: [{ code: 'invalid-csv' }] },
      { line: 4, problems: [{ code: 'invalid-csv' }] },
    ]);
  });

  it.each([
    ['', 'The file is empty'],
    ['email,password\n', 'columns that are none of ours: "password"'],
    ['email,email\n', 'a column twice'],
    ['firstName\n', 'lacks the column email'],
    ['"email\n', 'no CSV header'],
  ])('refuses the header %j', async (text, reason) => {
    await expect(read(text, 'csv')).rejects.toThrow(reason);
  });
});

describe('CSV with other columns', () => {
  async function readAs(names: ColumnNames, text: string) {
    const mapping = new Mapping();
    const entries: Entry[] = [];
    const source = Readable.from([Buffer.from(text)]);
    for await (const entry of readEntries(source, 'csv', { names, mapping })) entries.push(entry);
    return { entries, mapping };
  }

  it('is read by the names that they are given, and counted', async () => {
    const names = new Map([
      ['E-mail', 'email'],
      ['Plan', 'metadata.plan'],
      ['Phone', '-'],
    ]);
    const text = 'E-mail,Plan,Phone,metadata,firstName\na@example.com,team,+15550100,"{""a"":1}",\nb@example.com,,,,B';
    const { entries, mapping } = await readAs(names, text);
    expect(values(entries)).toEqual([
      { email: 'a@example.com', metadata: { plan: 'team', a: 1 } },
      { email: 'b@example.com', firstName: 'B' },
    ]);
    expect(mapping.rows()).toEqual([
      { from: 'E-mail', to: 'email', accounts: 2, reason: null },
      { from: 'Plan', to: 'metadata.plan', accounts: 1, reason: null },
      { from: 'metadata', to: 'metadata', accounts: 1, reason: null },
      { from: 'firstName', to: 'firstName', accounts: 1, reason: null },
      { from: 'Phone', to: null, accounts: 1, reason: 'by --map' },
    ]);
  });

  it('leaves metadata that is no object to the check', async () => {
    const { entries } = await readAs(new Map([['Plan', 'metadata.plan']]), 'email,Plan,metadata\na@example.com,team,5');
    expect(values(entries)).toEqual([{ email: 'a@example.com', metadata: 5 }]);
  });

  it.each([
    ['Other', 'email', 'no column "Other", which --map names'],
    ['Phone', 'email', 'Two columns are the same field'],
    ['email', '-', 'lacks the column email'],
  ])('is refused when %s is to be %s', async (theirs, ours, reason) => {
    const names = new Map([
      ['Phone', '-'],
      [theirs, ours],
    ]);
    await expect(readAs(names, 'email,Phone\na@example.com,1')).rejects.toThrow(reason);
  });
});
