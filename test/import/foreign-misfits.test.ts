import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HASHES } from '../../examples/hashes.ts';
import type { Entry } from '../../src/import/entries.ts';
import type { FormatOptions } from '../../src/import/formats/format.ts';
import { read } from '../helpers/foreign-files.ts';

describe('what does not fit', () => {
  const auth0 = (user: object, options?: FormatOptions) =>
    read('auth0', Readable.from([Buffer.from(JSON.stringify(user))]), false, options);
  const firstValue = ([entry]: readonly Entry[]) => (entry !== undefined && 'value' in entry ? entry.value : entry);

  it('of metadata is left out and counted, and the rest is kept', async () => {
    const metadata = { a: 1, 'b.c': 2, deep: { a: { b: { c: { d: 1 } } } }, long: 'x'.repeat(5_000), z: 'last' };
    const { entries, mapping } = await auth0({ email: 'a@example.com', user_metadata: metadata });
    expect(firstValue(entries)).toEqual({ email: 'a@example.com', metadata: { a: 1, z: 'last' } });
    const leftOut = mapping.rows().filter(({ to }) => to === null);
    expect(leftOut.map(({ from }) => from)).toEqual(['b.c', 'deep', 'long'].map((key) => `user_metadata.${key}`));
  });

  it('of what people wrote themselves never stands in the place of what they could not change', async () => {
    const user = {
      email: 'a@example.com',
      user_id: 'auth0|1',
      user_metadata: { externalId: 'auth0|2', plan: 'mine' },
      app_metadata: { plan: 'theirs' },
    };
    const { entries } = await auth0(user, { includeAppMetadata: true });
    expect(firstValue(entries)).toMatchObject({ metadata: { externalId: 'auth0|1', plan: 'theirs' } });
    for (const [format, [own, of]] of Object.entries({
      supabase: ['raw_user_meta_data', 'raw_app_meta_data'],
      clerk: ['unsafe_metadata', 'public_metadata'],
    } as const)) {
      const row = {
        email: 'a@example.com',
        id: '1',
        [own]: { externalId: '2', plan: 'mine' },
        [of]: { plan: 'theirs' },
      };
      const source = Readable.from([Buffer.from(JSON.stringify(row))]);
      const outcome = await read(format, source, false, { includeAppMetadata: true });
      expect(firstValue(outcome.entries)).toMatchObject({ metadata: { externalId: '1', plan: 'theirs' } });
    }
  });

  it('of prototypes reaches none', async () => {
    const { entries } = await auth0(
      JSON.parse(
        '{"email":"a@example.com","user_metadata":{"__proto__":{"x":1},"constructor":2},"__proto__":{"blocked":true}}',
      ),
    );
    expect(firstValue(entries)).toEqual({ email: 'a@example.com' });
  });

  it('of a name that is none, or too long, is left out', async () => {
    const { entries } = await auth0({ email: 'a@example.com', given_name: '<b>', family_name: 'x'.repeat(101) });
    expect(firstValue(entries)).toEqual({ email: 'a@example.com' });
  });

  it('of hashes is left out where that is wanted', async () => {
    const user = { email: 'a@example.com', passwordHash: HASHES.bcrypt10.replace('$10$', '$15$') };
    expect(firstValue((await auth0(user)).entries)).toMatchObject({ problems: [{ pointer: '/passwordHash' }] });
    const { entries, mapping } = await auth0(user, { withoutUnusableHashes: true });
    expect(firstValue(entries)).toEqual({ email: 'a@example.com' });
    expect(mapping.rows()).toContainEqual({
      from: 'passwordHash',
      to: null,
      accounts: 1,
      reason: 'The bcrypt cost is 15; accepted are 4 to 14',
    });
  });

  it('of any number of fields takes no more than so many lines', async () => {
    const fields = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`field${index}`, 1]));
    const rows = (await auth0({ email: 'a@example.com', ...fields })).mapping.rows();
    expect(rows).toHaveLength(501);
    expect(rows.at(-1)).toMatchObject({ from: 'other fields', accounts: 1_501 });
  });

  it.each([
    ['a list of no objects', '[1,{"email":"a@example.com"},null]'],
    ['a line that is no object', '"a@example.com"'],
  ])('%s is told', async (_, text) => {
    const { entries } = await read('auth0', Readable.from([Buffer.from(text)]), false);
    expect(entries.some((entry) => 'problems' in entry)).toBe(true);
  });
});
