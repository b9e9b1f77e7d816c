import { isUtf8 } from 'node:buffer';
import { Ajv, type AnySchemaObject, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import type { FastifyRequest, FastifySchema } from 'fastify';
import fp from 'fastify-plugin';
import { AppError, type InputProblem } from '../errors.ts';
import { pointerTo, shapeProblem } from '../lib/body-shape.ts';
import type { App } from '../types/fastify.ts';

/** Problems told at once at the most: enough for a form, too few to be made to write a long answer. */
const MAX_PROBLEMS = 50;

/** Stable words for AJV's keywords; the others keep their own. */
const PROBLEM_CODES: Readonly<Record<string, string>> = Object.freeze({
  additionalProperties: 'unknown-property',
  type: 'invalid-type',
  minLength: 'too-short',
  maxLength: 'too-long',
  minItems: 'too-few',
  maxItems: 'too-many',
  minProperties: 'too-few',
  maxProperties: 'too-many',
  minimum: 'out-of-range',
  maximum: 'out-of-range',
  pattern: 'invalid-format',
  format: 'invalid-format',
  enum: 'not-allowed',
  const: 'not-allowed',
  uniqueItems: 'duplicate',
});

type Compile = (part: { schema: AnySchemaObject; httpPart?: string | undefined }) => ValidateFunction;

const OPTIONS: Options = {
  allErrors: true,
  useDefaults: true,
  // An unknown property is refused, not removed: a client that misspells one must hear of it.
  removeAdditional: false,
  strict: true,
  // OpenAPI's annotations, which say nothing about validity.
  keywords: ['example'],
};

const numbers = new WeakMap<object, number>();
const numbersByText = new Map<string, number>();

/** A number for all schemas that say the same. Their text is long: it is looked at once for each object. */
function numberOf(schema: object): number {
  const known = numbers.get(schema);
  if (known !== undefined) return known;
  const text = JSON.stringify(schema);
  const number = numbersByText.get(text) ?? numbersByText.size;
  numbersByText.set(text, number);
  numbers.set(schema, number);
  return number;
}

/** Every scope of every instance in a process asks for the same; what is made of equal schemas is made once. */
export function oncePerSchemas<A extends unknown[], R>(make: (...args: A) => R): (...args: A) => R {
  const made = new Map<string, R>();
  return (...args) => {
    const named = args.flatMap((schemas) => Object.entries(schemas ?? {}));
    const key = JSON.stringify(
      named.map(([name, schema]) => [name, schema !== null && typeof schema === 'object' ? numberOf(schema) : schema]),
    );
    const known = made.get(key) ?? make(...args);
    made.set(key, known);
    return known;
  };
}

/** Bodies say what they mean: `"1"` is no number. Everything in a URL is text, so there a number is read from it. */
export const buildValidator = oncePerSchemas((sharedSchemas: Record<string, unknown>): Compile => {
  const strict = createAjv({ ...OPTIONS, coerceTypes: false }, sharedSchemas);
  const coercing = createAjv({ ...OPTIONS, coerceTypes: true }, sharedSchemas);
  const compileStrict = oncePerSchema(({ schema }: Parameters<Compile>[0]) => strict.compile(schema));
  const compileCoercing = oncePerSchema(({ schema }: Parameters<Compile>[0]) => coercing.compile(schema));
  return (part) => (part.httpPart === 'body' ? compileStrict : compileCoercing)(part);
});

/** Most routes take no query, and all of them answer with problems: what is the same is compiled once. */
export function oncePerSchema<P extends { readonly schema?: unknown }, F>(compile: (part: P) => F): (part: P) => F {
  const compiled = new Map<string, F>();
  return (part) => {
    const text = JSON.stringify(part.schema);
    const made = compiled.get(text) ?? compile(part);
    compiled.set(text, made);
    return made;
  };
}

function createAjv(options: Options, sharedSchemas: Record<string, unknown>): Ajv {
  const ajv = new Ajv(options);
  ajvFormats.default(ajv);
  for (const schema of Object.values(sharedSchemas)) ajv.addSchema(schema as AnySchemaObject);
  return ajv;
}

type Part = 'body' | 'querystring' | 'params' | 'headers';

/** Where a problem is: a pointer into the body, `?name` in the query, `:name` in the path, or the name of a header. */
function pointerOf(part: Part, { instancePath, keyword, params }: ErrorObject): string {
  const member: string | undefined =
    keyword === 'required'
      ? params['missingProperty']
      : keyword === 'additionalProperties'
        ? params['additionalProperty']
        : undefined;
  const pointer = member === undefined ? instancePath : pointerTo(instancePath, member);
  if (part === 'body') return pointer;
  const prefix = { querystring: '?', params: ':', headers: '' }[part];
  return prefix + pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
}

function detailOf({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${params['allowedValues'].join(', ')}`;
  if (keyword === 'additionalProperties') return 'is not a property that this takes';
  if (keyword === 'required') return 'is required';
  return message ?? 'is not valid';
}

/** AJV's findings as one error with everything that is wrong, each at its place. */
export function validationError(errors: readonly ErrorObject[], part: string): AppError {
  const problems: InputProblem[] = errors.slice(0, MAX_PROBLEMS).map((error) => ({
    pointer: pointerOf(part as Part, error),
    code: PROBLEM_CODES[error.keyword] ?? error.keyword,
    detail: detailOf(error),
  }));
  return new AppError('validation-failed', { errors: problems });
}

/**
 * Reads a body: UTF-8, JSON, and nothing in it that no route wants to see.
 * @throws {AppError} `invalid-json`, or `validation-failed` with the place
 */
function parseBody(body: Buffer): unknown {
  if (body.length === 0) throw new AppError('invalid-json', { detail: 'The body is empty.' });
  // Decoding would replace what is not UTF-8, and a password would not be the one that was sent.
  if (!isUtf8(body)) throw new AppError('invalid-json', { detail: 'The body is not UTF-8.' });
  const value = parseJson(body.toString());
  const problem = shapeProblem(value);
  if (problem) throw new AppError('validation-failed', { errors: [problem] });
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid-json', { cause });
  }
}

/** No charset, or the only one that JSON has. Fastify hands on the type in lower case and each parameter quoted. */
const JSON_TYPE = /^application\/json(?:; charset="utf-8")?$/i;

const NO_PARAMETERS = { type: 'object', additionalProperties: false, properties: {} } as const;

/** Nothing, or an object that says nothing: many clients send one with every POST. */
const isEmpty = (body: unknown): boolean =>
  body === undefined ||
  (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0);

function refuseBody(request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void {
  if (isEmpty(request.body)) {
    done();
    return;
  }
  const problem: InputProblem = { pointer: '', code: 'not-allowed', detail: 'this route takes no body' };
  done(new AppError('validation-failed', { errors: [problem] }));
}

async function validation(app: App): Promise<void> {
  app.setSchemaErrorFormatter((errors, part) => validationError(errors as ErrorObject[], part));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(JSON_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, parseBody(body));
  });

  // What a route does not declare it does not take: nothing sent to it is ignored.
  app.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/v1/')) return;
    const schema: FastifySchema = route.schema ?? {};
    route.schema = { ...schema, querystring: schema.querystring ?? NO_PARAMETERS };
    if (schema.body === undefined) route.preValidation = [route.preValidation ?? [], refuseBody].flat();
  });
}

export default fp(validation, { name: 'validation', dependencies: ['error-handler'] });
