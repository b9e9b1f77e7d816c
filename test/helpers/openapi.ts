import { buildOpenApiDocument } from '../../src/openapi-document.ts';

interface Documented {
  readonly description?: string;
  readonly content?: Readonly<
    Record<string, { readonly schema?: unknown; readonly examples?: Readonly<Record<string, { value: unknown }>> }>
  >;
}

interface OpenApiOperation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema?: unknown }[];
  readonly requestBody?: Documented;
  readonly responses: Readonly<Record<string, Documented>>;
}

interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, string>>;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Record<string, unknown>>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

/** The document of the application that is served, with its operations in one list. */
export async function openApiDocument() {
  const document = (await buildOpenApiDocument()) as OpenApiDocument;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      name: `${method.toUpperCase()} ${path}`,
      path,
      method: method.toUpperCase(),
      problems: problemsOf(operation),
    })),
  );
  return { document, operations };
}

/** The codes that an operation documents, each with the status it stands under. */
function problemsOf({ responses }: OpenApiOperation): Record<string, number> {
  return Object.fromEntries(
    Object.entries(responses).flatMap(([status, { content }]) =>
      Object.keys(content?.['application/problem+json']?.examples ?? {}).map((code) => [code, Number(status)] as const),
    ),
  );
}
