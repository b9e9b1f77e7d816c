import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';
import { buildOpenApiDocument } from '../../src/openapi-document.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly responses: Readonly<
    Record<string, { readonly description?: string; readonly headers?: Record<string, unknown> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

let service: TestApp;
let served: Document;
beforeAll(async () => {
  service = await buildTestApp();
  served = (await service.app.inject('/openapi.json')).json();
});
afterAll(() => service.close());

const operations = (): [where: string, operation: Operation][] =>
  Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );

describe('the OpenAPI document', () => {
  it('is version 3.1, and describes every operation: name, summary, tag, access, answers', () => {
    expect(served.openapi).toBe('3.1.0');
    expect(operations().length).toBeGreaterThan(15);
    const known = served.tags.map(({ name }) => name);
    for (const [where, { operationId, summary, tags, security, responses }] of operations()) {
      expect({ where, operationId, summary, security }).toEqual({
        where,
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/./),
        security: expect.any(Array),
      });
      expect(known).toEqual(expect.arrayContaining([...(tags ?? ['missing'])]));
      for (const { description } of Object.values(responses)) expect(description, where).not.toBe('Default Response');
    }
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says of each operation whether it needs an access token, which may come in either way', () => {
    const byWhere = new Map(operations());
    const eitherWay = [{ accessToken: [] }, { sessionCookie: [] }];
    expect(byWhere.get('post /v1/users')?.security).toEqual([]);
    expect(byWhere.get('get /v1/users/me')?.security).toEqual(eitherWay);
    expect(byWhere.get('get /v1/admin/users')?.security).toEqual([...eitherWay, { apiKey: [] }]);
    expect(byWhere.get('post /v1/admin/api-keys')?.security).toEqual(eitherWay);
  });

  it('tells of the cookies where they are set and cleared', () => {
    const where = operations().filter(([, { responses }]) =>
      Object.values(responses).some(({ headers }) => headers?.['Set-Cookie']),
    );
    expect(where.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'post /v1/sessions',
        'delete /v1/sessions',
        'post /v1/sessions/refresh',
        'delete /v1/users/me',
        'delete /v1/sessions/current',
        'delete /v1/sessions/{id}',
      ]),
    );
  });

  it('names its schemas and refers to them: no reference leads nowhere', () => {
    const text = JSON.stringify(served);
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const target of references)
      expect(Object.keys(served.components.schemas).map((name) => `#/components/schemas/${name}`)).toContain(target);
    expect(Object.keys(served.components.schemas)).toEqual(expect.arrayContaining(['Problem', 'User', 'Session']));
  });

  it('lists the codes of all problems', () => {
    expect(served.components.schemas['Problem']).toMatchObject({ properties: { code: { enum: ERROR_CODES } } });
  });

  it('is the same without a database, and each time', async () => {
    const built = await buildOpenApiDocument();
    expect(JSON.stringify(built)).toBe(JSON.stringify(served));
    expect(JSON.stringify(await buildOpenApiDocument())).toBe(JSON.stringify(built));
  });
});

describe('the documentation', () => {
  it.each(['/docs', '/docs/static/swagger-ui-bundle.js', '/docs/static/swagger-ui.css', '/docs/json'])(
    'serves %s',
    async (url) => {
      expect((await service.app.inject(url)).statusCode).toBe(200);
    },
  );

  it('is where the root leads', async () => {
    const response = await service.app.inject('/');
    expect([response.statusCode, response.headers.location]).toEqual([302, '/docs']);
  });
});
