import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import { ERROR_CODES, ERRORS, type ErrorCode } from '../errors.ts';
import { CHALLENGE_METHODS } from '../models/second-factor.ts';

/** A named schema of the OpenAPI document, referred to by its `$id`, with its static type kept. */
export const ref = <T extends TSchema & { $id: string }>(schema: T) =>
  Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` });

/** An object that takes no other properties. */
export const closed = <P extends TProperties>(properties: P, options: Record<string, unknown> = {}): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, ...options });

export const named = <I extends string, P extends TProperties>(
  id: I,
  properties: P,
  options: Record<string, unknown> = {},
) => Object.assign(closed(properties, { $id: id, ...options }), { $id: id });

export const Id = Type.String({ pattern: '^[0-9a-f]{24}$', description: 'Object id, 24 hexadecimal characters.' });

/** The id of something else, with what it is. */
export const idOf = (description: string, options: { readonly readOnly?: boolean } = {}) =>
  Type.String({ pattern: '^[0-9a-f]{24}$', description, ...options });

export const Timestamp = Type.String({ format: 'date-time', description: 'UTC, ISO 8601.' });

export const IdParams = closed({ id: Id });

export const Problem = named(
  'Problem',
  {
    type: Type.String({ description: 'Where this kind of problem is explained.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum([...ERROR_CODES], { description: 'Stable; listed at `/problems`.' }),
    detail: Type.Optional(Type.String()),
    requestId: Type.String(),
    challenge: Type.Optional(
      Type.String({ description: 'With `mfa-required`: for `POST /v1/sessions/mfa`, within 10 minutes.' }),
    ),
    methods: Type.Optional(
      Type.Array(Type.Enum([...CHALLENGE_METHODS]), { description: 'With `mfa-required`: what may be used there.' }),
    ),
    errors: Type.Optional(
      Type.Array(
        closed({
          pointer: Type.String({ description: 'JSON Pointer (RFC 6901) into the body, or `?name` of a parameter.' }),
          code: Type.String(),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { description: 'What went wrong (RFC 9457).' },
);

/** What any route may answer, whatever it does. */
const ALWAYS = [
  'validation-failed',
  'rate-limited',
  'internal-error',
  'overloaded',
  'unavailable',
] as const satisfies ErrorCode[];
const SIGNED_IN = ['unauthenticated', 'invalid-token'] as const satisfies ErrorCode[];

/** What a route that reads a body may answer. */
export const BODY_PROBLEMS = [
  'invalid-json',
  'payload-too-large',
  'unsupported-media-type',
] as const satisfies ErrorCode[];

/** What a route that opens a session may answer. */
export const SIGN_IN_PROBLEMS = [
  'idempotency-not-supported',
  'invalid-credentials',
  'mfa-required',
  'foreign-origin',
  'email-not-verified',
] as const satisfies ErrorCode[];

/** What a route that takes an idempotency key may answer. */
export const IDEMPOTENCY_PROBLEMS = [
  'invalid-idempotency-key',
  'idempotency-in-progress',
  'idempotency-key-reused',
] as const satisfies ErrorCode[];

/** Declares the errors of a route, one response for each status, with an example for each code. */
export function problems(...codes: readonly ErrorCode[]): Record<number, TSchema> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>([...codes, ...ALWAYS])) {
    const [status] = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, problemResponse(status, group)]));
}

/** The errors of a route for signed-in accounts. Where a role opens the door, a second factor may have to as well. */
export const signedInProblems = (...codes: readonly ErrorCode[]): Record<number, TSchema> =>
  problems(...SIGNED_IN, ...codes, ...(codes.includes('forbidden') ? (['second-factor-required'] as const) : []));

/** Responses with one more problem among them: one that a plugin answers, so that no route needs to declare it. */
export function withProblem(responses: object, code: ErrorCode): Record<string, unknown> {
  const [status] = ERRORS[code];
  const { [status]: declared } = responses as Record<number, DeclaredProblem>;
  const others = Object.keys(declared?.content['application/problem+json'].examples ?? {}) as ErrorCode[];
  return { ...responses, [status]: problemResponse(status, [...others, code]) };
}

interface DeclaredProblem {
  readonly content: { readonly 'application/problem+json': { readonly examples: Readonly<Record<string, unknown>> } };
}

function problemResponse(status: number, codes: readonly ErrorCode[]): TSchema {
  const examples = codes.map((code) => [
    code,
    { value: { type: `/problems/${code}`, title: ERRORS[code][1], status, code, requestId: 'req-4b7e21c9' } },
  ]);
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code][1]}.`).join(' '),
    content: { 'application/problem+json': { schema: ref(Problem), examples: Object.fromEntries(examples) } },
  } as TSchema;
}

export const Page = <T extends TSchema>(item: T, name: string) =>
  closed({
    items: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: `Pass as \`cursor\` for the next ${name}; null on the last page.`,
    }),
  });

export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Items on a page.' })),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4096, description: '`nextCursor` of the page before.' }),
  ),
};

export const ifMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({ maxLength: 512, description: 'Only if the resource still has this ETag; 412 otherwise.' }),
  ),
});

export const idempotencyKey = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ maxLength: 255, description: 'The same key and body get the first response again, for 24 hours.' }),
  ),
});

/** For OpenAPI: headers of a response. */
export const headers = (...names: (keyof typeof HEADERS)[]) =>
  Object.fromEntries(names.map((name) => [name, HEADERS[name]]));

const HEADERS = {
  ETag: { type: 'string', description: 'Version of the resource, for `If-Match`.' },
  Location: { type: 'string', description: 'Where the new resource is.' },
  'Content-Disposition': { type: 'string', description: 'A name for the file.' },
  Link: { type: 'string', description: 'The next page (`rel="next"`), RFC 8288.' },
  'Set-Cookie': {
    type: 'string',
    description: 'For browsers: `__Host-roster-access` and `__Host-roster-refresh`, set or cleared.',
  },
} as const;

export const NoContent = Type.Null({ description: 'Done; there is nothing to say.' });
