import type { LightMyRequestResponse as Response } from 'fastify';
import type { TestApp } from './app.ts';
import { call, type Options, type Person } from './people.ts';

interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly minLength?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly examples?: readonly Record<string, unknown>[];
}

interface DocumentedParameter {
  readonly in: string;
  readonly name: string;
}

interface DocumentedOperation {
  readonly security?: readonly object[];
  readonly parameters?: readonly DocumentedParameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
}

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** A place of a body where text belongs, and the body with something else there. */
interface TextPlace {
  readonly pointer: string;
  /** `null` is what removes an optional value (RFC 7396). */
  readonly removable: boolean;
  with(value: unknown): Record<string, unknown>;
}

/** A method of a route, as the OpenAPI document tells of it: what a test goes over that is about all of them. */
export interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With an id of nobody in the place of each parameter. */
  readonly url: string;
  readonly signedIn: boolean;
  readonly queryParameters: readonly string[];
  /** A body that is valid, where the operation takes one. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly textPlaces: readonly TextPlace[];
}

/** Well-formed, and the id of nothing. */
export const ID_OF_NOTHING = '000000000000000000000000';

/** All operations that the service documents under `/v1`. */
export function operationsOf({ app }: Pick<TestApp, 'app'>): Operation[] {
  const { paths, components } = app.swagger() as unknown as OpenApiDocument;
  const resolve = (schema: JsonSchema): JsonSchema =>
    schema.$ref === undefined ? schema : (components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});

  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([verb, documented]) => {
        const method = verb.toUpperCase() as Operation['method'];
        // The one form that is taken is a provider's to send, and has tests of its own.
        const content = documented.requestBody?.content['application/json'];
        const schema = content && resolve(content.schema);
        const body = schema && exampleOf(schema);
        return {
          name: `${method} ${path}`,
          method,
          url: path.replace(/\{\w+\}/g, ID_OF_NOTHING),
          signedIn: needsSession(documented),
          queryParameters: (documented.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name),
          ...(body && { body }),
          textPlaces: schema && body ? textPlacesOf(schema, body) : [],
        };
      }),
    );
}

/** An empty alternative stands for nobody. */
const needsSession = ({ security = [] }: DocumentedOperation): boolean =>
  security.length > 0 && security.every((scheme) => Object.keys(scheme).length > 0);

export const takesBody = (operation: Operation): operation is Operation & { body: Record<string, unknown> } =>
  operation.body !== undefined;

function exampleOf({ examples: [example] = [], properties = {} }: JsonSchema): Record<string, unknown> {
  if (example) return example;
  const texts = Object.entries(properties).filter(([, { type }]) => type === 'string');
  return Object.fromEntries(texts.map(([name, { minLength = 1 }]) => [name, 'x'.repeat(Math.max(minLength, 24))]));
}

function textPlacesOf({ properties = {} }: JsonSchema, example: Record<string, unknown>): TextPlace[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const forms = schema.anyOf ?? [schema];
    const removable = forms.some(({ type }) => type === 'null');
    if (forms.some(isText))
      return [{ pointer: `/${name}`, removable, with: (value: unknown) => ({ ...example, [name]: value }) }];
    if (forms.some(({ items }) => items && isText(items)))
      return [{ pointer: `/${name}/0`, removable: false, with: (value: unknown) => ({ ...example, [name]: [value] }) }];
    return [];
  });
}

const isText = ({ type, enum: values }: JsonSchema): boolean =>
  type === 'string' || (values?.every((value) => typeof value === 'string') ?? false);

const SAFE = new Set(['GET', 'HEAD']);

/** Reads that begin something, and so are counted as if they were none. */
const isCounted = ({ name }: Operation): boolean => name.startsWith('GET /v1/identities/{provider}/');

/**
 * What a request may cost the database before its content is looked at: the session of whoever is signed in is read,
 * and what is not a mere read is counted.
 */
export const beforeValidation = (operation: Operation): string[] => [
  ...(operation.signedIn ? ['find sessions'] : []),
  ...(SAFE.has(operation.method) && !isCounted(operation) ? [] : ['findAndModify rate_limits']),
];

/** One request of an operation, as `who` where it needs somebody signed in. */
export function attempt(
  service: TestApp,
  { method, url, signedIn }: Operation,
  who: Person,
  body?: unknown,
  options: Options = {},
): Promise<Response> {
  const headers = { ...(signedIn && who.headers), ...options.headers };
  return call(service, method, url, body, { ...options, headers });
}

/** The providers stand in the configuration: all other operations ask the database for something. */
export const asksDatabase = ({ name }: Operation): boolean => name !== 'GET /v1/identities';
