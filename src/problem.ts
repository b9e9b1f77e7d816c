import { isDatabaseOutOfReach } from './database-errors.ts';
import { AppError, ERRORS, type ErrorCode, unavailable } from './errors.ts';
import { HashingOverloadError } from './lib/hashing-queue.ts';
import { DecryptionError } from './lib/keyring.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** A hashing queue of the default length empties within a few seconds. */
const OVERLOAD_RETRY_SECONDS = '3';

/** What the framework refuses by itself, before or around a route, as entries of our table. */
const FRAMEWORK_ERRORS: Readonly<Record<string, ErrorCode>> = Object.freeze({
  FST_ERR_NOT_FOUND: 'not-found',
  FST_ERR_BAD_URL: 'malformed-request',
  FST_ERR_INVALID_URL: 'malformed-request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri-too-long',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-request',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-json',
  FST_ERR_HANDLER_TIMEOUT: 'overloaded',
  // The client went away in the middle of its body: nobody reads the answer, and nobody is at fault.
  ECONNRESET: 'malformed-request',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
});

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null | undefined)?.code);

/** What a client may know of an error. What nobody foresaw is an internal error, whatever status it claims. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // What does not open was altered, or needs a key that this instance lacks: nothing is answered in its place.
  if (isDatabaseOutOfReach(error) || error instanceof DecryptionError) return unavailable(error);
  const overloaded = error instanceof HashingOverloadError;
  const code = overloaded ? 'overloaded' : (FRAMEWORK_ERRORS[codeOf(error)] ?? 'internal-error');
  return new AppError(code, {
    cause: error,
    ...(code === 'overloaded' && { headers: { 'retry-after': OVERLOAD_RETRY_SECONDS } }),
  });
}

/** The problem document (RFC 9457) of an error. */
export function problemDocument({ code, detail, errors, members }: AppError, requestId: string): string {
  const [status, title] = ERRORS[code];
  return JSON.stringify({ type: `/problems/${code}`, title, status, code, detail, requestId, ...members, errors });
}
