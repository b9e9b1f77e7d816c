import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../helpers/openapi.ts';

const { document, operations } = await openApiDocument();

/** Every member of that name, wherever it stands. */
function* members(value: unknown, name: string): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === name) yield member;
    yield* members(member, name);
  }
}

/** What a local reference points at (RFC 6901). */
function resolve(reference: string): unknown {
  let place: unknown = document;
  for (const part of reference.replace(/^#\//, '').split('/')) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    place = (place as Record<string, unknown> | undefined)?.[name];
  }
  return place;
}

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
ajvFormats.default(ajv);
// What OpenAPI itself is made of, and annotations that say nothing about validity.
for (const keyword of [...Object.keys(document), 'example']) ajv.addKeyword(keyword);
ajv.addSchema(document, 'document');

const schemaAt = (pointer: string) => ajv.compile({ $ref: `document#${pointer}` });
const escaped = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));

it('is of version 3.1.0, with a title and a version of its own', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(document.info).toMatchObject({ title: 'Roster', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});

it('resolves every reference within itself', () => {
  const references = [...members(document, '$ref')];
  expect(references.length).toBeGreaterThan(50);
  for (const reference of references) {
    expect(reference).toMatch(/^#\/components\//);
    expect(resolve(String(reference)), String(reference)).toBeTypeOf('object');
  }
});

it('names its schemas as they are named in the service, and leaves no id of theirs behind', () => {
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['User', 'Session', 'Problem', 'SignUp']),
  );
  expect([...members(document.components.schemas, '$id')]).toEqual([]);
  expect(Object.keys(document.components.schemas).filter((name) => name.startsWith('schema-'))).toEqual([]);
});

it('uses every schema that it defines', () => {
  const used = new Set([...members(document, '$ref')]);
  const names = Object.keys(document.components.schemas);
  expect(names.filter((name) => !used.has(`#/components/schemas/${name}`))).toEqual([]);
});

it('knows the security schemes that its operations ask for', () => {
  const asked = operations.flatMap(({ security = [] }) => security.flatMap((each) => Object.keys(each as object)));
  expect([...new Set(asked)]).toEqual(Object.keys(document.components.securitySchemes));
});

describe.each(Object.entries(document.components.schemas))('the schema %s', (name, schema) => {
  it('is valid JSON Schema 2020-12, and so are its examples by it', () => {
    const validate = schemaAt(`/components/schemas/${name}`);
    for (const example of (schema['examples'] as unknown[] | undefined) ?? [])
      expect(validate(example) ? null : ajv.errorsText(validate.errors), JSON.stringify(example)).toBeNull();
  });

  it('takes no property that it does not name', () => {
    expect(schema['additionalProperties']).toBe(false);
  });
});

/** A provider answers by a form of its own making. */
const FORM = 'POST /v1/identities/{provider}/callback';

describe.each(operations)('$name', ({ name, path, method, responses, requestBody, parameters = [] }) => {
  const base = `/paths/${escaped(path)}/${method.toLowerCase()}`;

  it('has valid schemas for its parameters, its body and its responses', () => {
    for (const index of parameters.keys()) schemaAt(`${base}/parameters/${index}/schema`);
    for (const type of Object.keys(requestBody?.content ?? {}))
      schemaAt(`${base}/requestBody/content/${escaped(type)}/schema`);
    for (const [status, { content = {} }] of Object.entries(responses))
      for (const [type, { examples = {} }] of Object.entries(content)) {
        const validate = schemaAt(`${base}/responses/${status}/content/${escaped(type)}/schema`);
        for (const { value } of Object.values(examples)) expect(validate(value), JSON.stringify(value)).toBe(true);
      }
  });

  it('shows a body by example', () => {
    if (!requestBody || name === FORM) return;
    expect(Object.keys(requestBody.content ?? {})).toEqual(['application/json']);
    const [reference] = [...members(requestBody, '$ref')].map(String);
    const { examples = [] } = resolve(reference ?? '') as { examples?: unknown[] };
    expect(examples.length, reference).toBeGreaterThan(0);
  });
});
