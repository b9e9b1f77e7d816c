import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { configSchema } from '../../src/config-schema.ts';
import { configurationDocument } from '../../src/documents/configuration.ts';
import { interfaceOf } from '../../src/documents/interfaces.ts';
import { table } from '../../src/documents/markdown.ts';
import { schemaDocument } from '../../src/documents/schema.ts';
import { securityDocument } from '../../src/documents/security.ts';
import { shippedMigrations } from '../../src/migrations.ts';

describe('docs/SCHEMA.md', async () => {
  const text = await schemaDocument();

  it('has a section for each collection, with its fields, indexes and retention', () => {
    for (const { name, validator, indexDefinitions, retention } of collections) {
      const section = text.split(`### ${name}\n`)[1]?.split('\n### ')[0] ?? '';
      for (const path of Object.keys(validator.properties ?? {})) expect(section).toContain(`| \`${path}\` |`);
      for (const index of indexDefinitions) expect(section).toContain(`| \`${index.name}\` |`);
      expect(section).toContain(retention);
    }
  });

  it('draws each relation, and lists each enum, view and migration', async () => {
    for (const { name, relations, enums, wire } of collections) {
      for (const { to } of relations) expect(text).toMatch(new RegExp(`^ {2}${to} \\|\\|--o[{|] ${name} : `, 'm'));
      for (const title of Object.keys(enums)) expect(text).toContain(`| ${title} |`);
      for (const { $id } of wire) expect(text).toContain(`interface ${$id} {`);
    }
    for (const file of await shippedMigrations()) expect(text).toContain(`| \`${file}\` |`);
  });

  it('leaves no cell of a rule, of an index or of a migration empty', () => {
    expect(text.split('\n').filter((line) => /\| {2}\|$/.test(line))).toEqual([]);
  });

  it('is the same each time', async () => {
    expect(await schemaDocument()).toBe(text);
  });
});

describe('docs/security.md', () => {
  const text = securityDocument();

  it('has each field that a model marks, with what the mark says', () => {
    const marked = collections.flatMap(({ name, encrypted, kept }) =>
      Object.entries({ ...encrypted, ...kept }).map(([path, says]) => `| \`${name}.${path}\` | ${says} |`),
    );
    expect(marked.length).toBeGreaterThan(30);
    expect(
      text
        .split('\n')
        .filter((line) => line.startsWith('| `'))
        .sort(),
    ).toEqual(marked.sort());
  });

  it('is as the models have it', async () => {
    expect(await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8')).toBe(text);
  });
});

describe('docs/configuration.md', () => {
  it('has a line with a meaning for each variable', () => {
    const text = configurationDocument();
    for (const name of Object.keys(configSchema.properties))
      expect(text).toMatch(new RegExp(`^\\| \`${name}\` \\| .+ \\| .* \\| \\S.+ \\|$`, 'm'));
  });
});

describe('a wire schema', () => {
  it('becomes the interface that a client would write', () => {
    const schema = Type.Object(
      {
        id: Type.String({ description: 'Hex.' }),
        kind: Type.Enum(['a', 'b']),
        kinds: Type.Array(Type.Enum(['a', 'b'])),
        count: Type.Optional(Type.Integer()),
        next: Type.Union([Type.String(), Type.Null()]),
        owner: Type.Unsafe({ $ref: 'User#' }),
        bag: Type.Record(Type.String(), Type.Unknown()),
      },
      { $id: 'Thing', description: 'A thing.' },
    );
    expect(interfaceOf(Object.assign(schema, { $id: 'Thing' }))).toBe(
      [
        '// A thing.',
        'interface Thing {',
        '  id: string; // Hex.',
        "  kind: 'a' | 'b';",
        "  kinds: ('a' | 'b')[];",
        '  count?: number;',
        '  next: string | null;',
        '  owner: User;',
        '  bag: Record<string, unknown>;',
        '}',
      ].join('\n'),
    );
  });
});

describe('a table', () => {
  it('is not broken by what stands in it', () => {
    expect(table(['a', 'b'], [['x|y', 'one\ntwo']])).toBe('| a | b |\n| --- | --- |\n| x\\|y | one two |');
  });
});
