import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES, ERRORS, type ErrorCode } from '../../src/errors.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { openApiDocument } from '../helpers/openapi.ts';

const SOURCE = new URL('../../src/', import.meta.url);
const { document, operations } = await openApiDocument();

/** Met before a route is found, or for what never became a request: no operation documents them. */
const OUTSIDE_OPERATIONS: readonly ErrorCode[] = [
  'headers-too-large',
  'malformed-request',
  'method-not-allowed',
  'request-timeout',
  'uri-too-long',
];

/** Of routes that only some domain collections have. */
const OF_SOME_COLLECTIONS: readonly ErrorCode[] = [
  'still-referenced',
  'too-many-links',
  'unsupported-sort',
  'parent-deleted',
];

async function sources(): Promise<Map<string, string>> {
  const files = (await readdir(SOURCE, { recursive: true })).filter((file) => file.endsWith('.ts'));
  return new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(new URL(file, SOURCE), 'utf8')] as const)),
  );
}

const files = await sources();
const codesIn = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, code = '']) => code);
const thrown = [...files].flatMap(([, text]) => codesIn(text, /new AppError\(\s*'([^']+)'/g));
/** Errors of the framework, the database and the hashing queue are given their codes in one place. */
const mapped = codesIn(files.get('problem.ts') ?? '', /'([a-z-]+)'/g).filter((word) => word in ERRORS);

describe('a code of the table', () => {
  it('is thrown somewhere, or what another error is mapped to', () => {
    const used = new Set([...thrown, ...mapped]);
    expect(ERROR_CODES.filter((code) => !used.has(code))).toEqual([]);
  });

  it('is documented by an operation, unless it is met outside of them', () => {
    const declared = new Set(operations.flatMap(({ problems }) => Object.keys(problems)));
    const met = ERROR_CODES.filter((code) => !declared.has(code) && !OF_SOME_COLLECTIONS.includes(code));
    expect(met.sort()).toEqual([...OUTSIDE_OPERATIONS].sort());
  });

  it('has a status for errors, a title without a full stop, and help that ends with one', () => {
    for (const code of ERROR_CODES) {
      const [status, title, help] = ERRORS[code];
      expect(code).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(status, code).toBeLessThan(600);
      expect(title, code).toMatch(/^[A-Z].*[^.]$/);
      expect(help, code).toMatch(/^[A-Z`].*\.$/);
    }
  });
});

it('whatever is thrown is in the table', () => {
  expect(thrown.length).toBeGreaterThan(30);
  expect(thrown.filter((code) => !(code in ERRORS))).toEqual([]);
});

it('nobody builds a problem document but the one plugin', () => {
  const elsewhere = [...files].filter(([, text]) => /application\/problem\+json/.test(text)).map(([file]) => file);
  expect(elsewhere.sort()).toEqual(['problem.ts', 'schemas/common.ts']);
});

describe('the OpenAPI document', () => {
  it('puts each code under its own status', () => {
    for (const { name, problems } of operations)
      for (const [code, status] of Object.entries(problems)) {
        expect(code in ERRORS, `${name}: ${code}`).toBe(true);
        expect(status, `${name}: ${code}`).toBe(ERRORS[code as ErrorCode][0]);
      }
  });

  it('lists all codes and no other', () => {
    const { properties } = document.components.schemas['Problem'] as { properties: { code: { enum: string[] } } };
    expect(properties.code.enum).toEqual(ERROR_CODES);
  });
});

describe('/problems', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await buildTestApp();
  });
  afterAll(() => service.close());

  it('lists every code, and explains each to programs and to people', async () => {
    const { items } = (await service.app.inject('/problems')).json();
    expect(items.map(({ code }: { code: string }) => code)).toEqual(ERROR_CODES);
    for (const code of ERROR_CODES) {
      const [status, title, help] = ERRORS[code];
      const url = `/problems/${code}`;
      expect((await service.app.inject(url)).json()).toEqual({ type: url, code, status, title, help });
      const page = await service.app.inject({ url, headers: { accept: 'text/html' } });
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.body).toContain(`<h1>${title}</h1>`);
    }
  });

  it('knows no other', async () => {
    for (const code of ['nothing', 'constructor', '__proto__', 'toString'])
      expect((await service.app.inject(`/problems/${code}`)).statusCode, code).toBe(404);
  });
});
