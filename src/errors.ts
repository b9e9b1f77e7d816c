/**
 * Every error a client can meet: its stable code, its status, and what to do about it. Problem documents, the pages
 * at `/problems/:code` and the OpenAPI document are all made from this table.
 */
export const ERRORS = Object.freeze({
  'validation-failed': [
    400,
    'The request is not valid',
    'See `errors`: each entry points at a value and says what is wrong with it.',
  ],
  'invalid-json': [
    400,
    'The body is not JSON',
    'Send one JSON document, in UTF-8, without `__proto__` or `constructor` keys.',
  ],
  'malformed-request': [
    400,
    'The request is not well-formed HTTP',
    'Check the percent-encoding of the URL, the headers, and that `Content-Length` is the length of the body.',
  ],
  'invalid-cursor': [
    400,
    'The cursor is not valid',
    'Pass a `nextCursor` on unchanged, with the same filters and sort that gave it.',
  ],
  'unsupported-sort': [
    400,
    'This filter and sort do not go together',
    'Only pairs that an index serves are offered; `detail` lists those for your filter.',
  ],
  'idempotency-not-supported': [
    400,
    'This route takes no idempotency key',
    'Its response carries a secret, which is not kept for a replay. Leave `Idempotency-Key` out.',
  ],
  'invalid-idempotency-key': [
    400,
    'The idempotency key is not valid',
    'Use 1 to 255 printable ASCII characters, such as a UUID.',
  ],
  'password-unacceptable': [400, 'The password is not acceptable', 'See `errors` for all the reasons at once.'],
  unauthenticated: [401, 'Sign-in needed', 'Send `Authorization: Bearer <access token>`, or the cookies of a sign-in.'],
  'invalid-token': [
    401,
    'The token is not valid',
    'It is malformed, expired, or its session or API key has ended. Refresh the session or sign in again.',
  ],
  'invalid-credentials': [401, 'Email or password is wrong', 'The same answer is given whatever the cause.'],
  'mfa-required': [
    401,
    'A second factor is needed',
    'Send `challenge` with one of `methods` to `POST /v1/sessions/mfa` within 10 minutes.',
  ],
  'credentials-required': [
    401,
    'The link alone proves too little',
    'Send the token together with a session of that account, or with its `password`.',
  ],
  'invalid-state': [
    401,
    'This answers no sign-in of this browser',
    'Begin again, and finish in the same browser within 10 minutes.',
  ],
  'identity-denied': [
    401,
    'The provider did not sign you in',
    'Sign in there and agree to what it asks, or sign in another way.',
  ],
  'identity-unproven': [
    401,
    'What the provider says does not hold',
    'Begin again. If it happens each time, tell the operator the request id.',
  ],
  'invalid-code': [401, 'The code or link does not work', 'It works once and for a short time. Ask for a new one.'],
  'invalid-passkey': [
    401,
    'The passkey is not accepted',
    'Ask for new options and try again, within 5 minutes and on a page of this service.',
  ],
  'email-not-verified': [
    403,
    'The email is not verified',
    'Follow the link that was mailed to it, or ask for another one.',
  ],
  'second-factor-required': [
    403,
    'A second factor is needed',
    'Prove one of the account’s at `POST /v1/reauthentication`, or add one first; then refresh the session.',
  ],
  'wrong-password': [403, 'The current password is wrong', 'Give the password that the account has now.'],
  'refresh-token-reused': [
    401,
    'The refresh token was used before',
    'The session has been ended, as the token may be in foreign hands. Sign in again.',
  ],
  'foreign-origin': [
    403,
    'Requests from this origin are not taken',
    'A request that carries cookies must come from an origin of `CORS_ORIGINS` or from the service itself.',
  ],
  forbidden: [403, 'Not allowed', 'The account or the API key lacks the permission that this route needs.'],
  'reauthentication-required': [
    403,
    'A recent sign-in is needed',
    'Prove who you are at `POST /v1/reauthentication`, or sign in again, and repeat the request within 10 minutes.',
  ],
  'not-found': [404, 'Not found', 'There is nothing at this address, or it is not yours to see.'],
  'method-not-allowed': [405, 'The method is not allowed here', 'See the `Allow` header.'],
  'value-taken': [409, 'The value is taken', 'See `errors`: another one has this value already. Choose another.'],
  'too-many-links': [409, 'It has as many links as it can have', 'Take one away first.'],
  'email-taken': [409, 'The email is taken', 'An account with this email exists. Sign in instead.'],
  'factor-exists': [409, 'There is one already', 'Remove the factor that the account has first.'],
  'too-many-passkeys': [409, 'The account has as many passkeys as it can have', 'Remove one first.'],
  'identity-taken': [
    409,
    'This identity belongs to another account',
    'Sign in to that account, or remove the identity there first.',
  ],
  'link-required': [
    409,
    'An account with this email exists',
    'Sign in to it another way, then link the provider there.',
  ],
  'last-credential': [
    409,
    'The last way to sign in stays',
    'Set a password, add a passkey or link another identity first.',
  ],
  'last-owner': [409, 'The last owner stays', 'Make another member an owner first, or delete the team.'],
  'last-admin': [409, 'The last admin stays', 'Make someone else an admin first.'],
  'invalid-status': [409, 'The status does not allow this', '`detail` says which status the account has.'],
  'restore-period-over': [409, 'It can no longer be restored', 'The time to restore it has passed.'],
  'legal-hold': [409, 'The account is under legal hold', 'It cannot be deleted until the hold is lifted.'],
  'still-referenced': [
    409,
    'Something still refers to it',
    '`detail` names the collection. Remove what refers to it there, for good, or make it refer to something else.',
  ],
  'parent-deleted': [409, 'What it belongs to is deleted', 'Restore that first.'],
  'webhook-disabled': [409, 'The webhook is disabled', 'Nothing is sent to it. Enable it first.'],
  'idempotency-in-progress': [409, 'The first request is still running', 'Repeat the request after `Retry-After`.'],
  'precondition-failed': [412, 'The resource has changed', 'Read it again and repeat the change with its new `ETag`.'],
  'payload-too-large': [413, 'The body is too large', 'See the limits in the documentation.'],
  'uri-too-long': [414, 'The URL is too long', 'No part of a path of this service is longer than 100 characters.'],
  'unsupported-media-type': [415, 'The content type is not supported', 'Send `Content-Type: application/json`.'],
  'idempotency-key-reused': [
    422,
    'The idempotency key was used for another request',
    'Use a new key for a new request.',
  ],
  'email-required': [
    422,
    'The provider vouches for no email',
    'Share a verified one there; or sign up with an email here, and link the provider then.',
  ],
  'rate-limited': [429, 'Too many requests', 'Wait for `Retry-After` seconds.'],
  'headers-too-large': [431, 'The headers are too large', 'Send fewer or shorter headers.'],
  'request-timeout': [408, 'The request took too long to arrive', 'Send it again.'],
  'internal-error': [500, 'Something went wrong', 'Nothing was lost on your side. Tell the operator the request id.'],
  overloaded: [503, 'The service is busy', 'Wait for `Retry-After` seconds and try again.'],
  'provider-unavailable': [
    503,
    'The identity provider cannot be reached',
    'Wait for `Retry-After` seconds and try again, or sign in another way.',
  ],
  unavailable: [
    503,
    'The service cannot serve right now',
    'Its database is out of reach, or holds what it cannot open. Wait for `Retry-After` seconds and try again.',
  ],
} as const satisfies Record<string, readonly [status: number, title: string, help: string]>);

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

/** One thing that is wrong with the input: where (RFC 6901 pointer, `?name` for a query parameter), a stable code, and words. */
export interface InputProblem {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

interface AppErrorOptions {
  readonly detail?: string;
  readonly errors?: readonly InputProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members of the problem document (RFC 9457, section 3.2). */
  readonly members?: object;
  /** For the log alone: never shown to a client. */
  readonly cause?: unknown;
}

/** What a route or a model throws; one plugin turns it into a problem document (RFC 9457). */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: string | undefined;
  readonly errors: readonly InputProblem[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: object | undefined;

  constructor(code: ErrorCode, { detail, errors, headers = {}, members, cause }: AppErrorOptions = {}) {
    const [status, title] = ERRORS[code];
    super(detail ?? title, { cause });
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.headers = headers;
    this.members = members;
  }
}

/** Server errors that a retry mends say when to try again. */
export const unavailable = (cause: unknown): AppError =>
  new AppError('unavailable', { headers: { 'retry-after': '5' }, cause });
