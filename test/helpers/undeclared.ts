import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import type { TestApp } from './app.ts';

interface Operation {
  readonly responses: Readonly<
    Record<string, { content?: { 'application/problem+json'?: { examples?: Readonly<Record<string, unknown>> } } }>
  >;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/**
 * Watches what an instance answers.
 * @returns what lists the answers that its OpenAPI document does not declare, as `PATCH /v1/notes/{id} 409 value-taken`
 */
export function watchAnswers({ app }: Pick<TestApp, 'app'>): () => string[] {
  const seen: (readonly [method: string, path: string, response: Response])[] = [];
  const inject = app.inject.bind(app) as (options: InjectOptions) => Promise<Response>;
  const watched = async (options: InjectOptions) => {
    const response = await inject(options);
    seen.push([String(options.method), String(options.url).split('?')[0] ?? '', response]);
    return response;
  };
  app.inject = watched as typeof app.inject;
  return () => {
    const paths = Object.entries((app.swagger() as unknown as { paths: Paths }).paths).map(
      ([path, operations]) => [path, new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`), operations] as const,
    );
    const undeclared = seen.flatMap(([method, url, response]) => {
      const [path, , operations] =
        paths.find(([each]) => each === url) ?? paths.find(([, pattern]) => pattern.test(url)) ?? [];
      const declared = operations?.[method.toLowerCase()]?.responses[response.statusCode];
      const { code } = response.statusCode < 400 ? { code: '' } : response.json();
      const known =
        declared && (code === '' || code in (declared.content?.['application/problem+json']?.examples ?? {}));
      // A 304 is what the reader asked for, and has no body to describe.
      return known || response.statusCode === 304 ? [] : [`${method} ${path} ${response.statusCode} ${code}`.trim()];
    });
    return [...new Set(undeclared)];
  };
}
