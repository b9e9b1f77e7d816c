// Our own format: what export writes, import reads, and export then writes again, byte for byte; and the published
// JSON Schema says what it is.

import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import fc from 'fast-check';
import { Types } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { HASHES } from '../../examples/hashes.ts';
import { examplePeople } from '../../examples/people.ts';
import { portableUserDocument } from '../../src/documents/portable-user.ts';
import { writerOf } from '../../src/export/formats.ts';
import { checkAccount } from '../../src/import/account.ts';
import { readEntries } from '../../src/import/entries.ts';
import { PORTABLE_FORMATS, type PortableFormat } from '../../src/lib/portable-format.ts';
import { User, type UserRecord } from '../../src/models/user.ts';
import { PORTABLE_FIELDS } from '../../src/schemas/portable-user.ts';

/** The record that import stores for an account, or undefined where it refuses it. */
function stored(value: unknown): UserRecord | undefined {
  const checked = checkAccount(value);
  if ('problems' in checked) return undefined;
  const { profile, ...account } = checked.user;
  const now = new Date();
  return new User({ createdAt: now, ...account, ...profile, updatedAt: now }).toObject<UserRecord>();
}

function exported(users: readonly UserRecord[], format: PortableFormat): string {
  const { header, line } = writerOf(format, true);
  return header + users.map((user) => line(user)).join('');
}

async function imported(text: string, format: PortableFormat): Promise<(UserRecord | undefined)[]> {
  const users: (UserRecord | undefined)[] = [];
  for await (const entry of readEntries(Readable.from([Buffer.from(text)]), format))
    users.push('value' in entry ? stored(entry.value) : undefined);
  return users;
}

const awkward = fc.constantFrom(
  '=1+1',
  '"',
  ',',
  ';',
  '\n',
  '\r\n',
  ' ',
  '\t',
  'é',
  'e\u0301',
  '🔑',
  '‮',
  '\u200d',
  '<b>',
  '\\',
  'ß',
  '0',
);
const text = fc
  .array(fc.oneof(awkward, fc.string({ unit: 'grapheme', maxLength: 3 })), { maxLength: 8 })
  .map((parts) => parts.join(''));
const hash = fc.constantFrom(
  ...Object.values(HASHES),
  '$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ',
  '$scrypt$ln=14,r=16,p=1$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
  '$firebase-scrypt$ln=14,r=8,sep=Bw$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
  '$pbkdf2-sha512$i=210000$c2FsdA$1Ui4Zqu5gmgDqzL9Vw4+ZA',
  `$sha256$salt=suffix$c2FsdA$${'A'.repeat(43)}`,
);
const account = fc.record(
  {
    email: fc.constantFrom(
      'a@example.com',
      ' ADA@Example.COM ',
      'jörg@exämple.com',
      '小龙@例子.测试',
      'ａ@example.com',
    ),
    passwordHash: hash,
    firstName: text,
    lastName: text,
    avatarUrl: fc.constantFrom('https://example.com/a,b.png?x="1"', 'HTTPS://EXAMPLE.com/é'),
    emailVerified: fc.boolean(),
    status: fc.constantFrom('active', 'inactive', 'suspended'),
    roles: fc.constantFrom(['user'], ['admin', 'user'], ['support']),
    // As a body brings it: JSON that was written once has no negative zero.
    metadata: fc
      .dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
      .map((value) => JSON.parse(JSON.stringify(value)) as object),
    createdAt: fc.constantFrom('2020-02-29T23:59:59.999Z', '2020-01-01T00:00:00+14:00', '2020-01-01T00:00:00.1234567Z'),
  },
  { requiredKeys: ['email'] },
);

describe.each(PORTABLE_FORMATS)('%s', (format) => {
  it('is the same after every round, whatever an account holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(account, { maxLength: 5 }), async (accounts) => {
        const users = accounts.map(stored).filter((user) => user !== undefined);
        const file = exported(users, format);
        const again = await imported(file, format);
        expect(again).not.toContain(undefined);
        expect(exported(again as UserRecord[], format)).toBe(file);
        for (const [index, user] of users.entries())
          for (const field of PORTABLE_FIELDS) expect(again[index]?.[field]).toEqual(user[field]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('docs/portable-user.schema.json', () => {
  const text = readFileSync(new URL('../../docs/portable-user.schema.json', import.meta.url), 'utf8');
  const ajv = new Ajv2020();
  ajvFormats.default(ajv);
  const validate = ajv.compile(JSON.parse(text));

  it('is the one of this version, and describes every field', () => {
    expect(text).toBe(portableUserDocument());
    const { properties } = JSON.parse(text);
    expect(Object.keys(properties)).toEqual(PORTABLE_FIELDS);
    for (const field of PORTABLE_FIELDS) expect(properties[field].description).toMatch(/^[A-Za-z`]/);
  });

  it('accepts what export writes', () => {
    for (const person of examplePeople(300)) {
      const user = stored(person);
      expect(user).toBeDefined();
      const line: unknown = JSON.parse(exported([user as UserRecord], 'ndjson'));
      expect([line, validate(line)]).toEqual([line, true]);
    }
  });

  it.each([
    { email: 'a@example.com', id: String(new Types.ObjectId()) },
    { firstName: 'Ada' },
    { email: 'a@example.com', status: 'deleted' },
    { email: 'a@example.com', createdAt: 'yesterday' },
  ])('refuses what import refuses: %o', (value) => {
    expect(validate(value)).toBe(false);
    expect(stored(value)).toBeUndefined();
  });
});
