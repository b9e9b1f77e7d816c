import * as oidc from 'openid-client';

/**
 * Why a provider has told us nothing: it is out of reach or turns this service away, it says that the person did not
 * sign in or did not agree, or what it says does not hold.
 */
export type ProviderFailure = 'unavailable' | 'denied' | 'unproven';

/** Nothing was proven. The message names the provider and what failed, and holds nothing that anybody sent. */
export class IdentityProviderError extends Error {
  override readonly name = 'IdentityProviderError';
  readonly failure: ProviderFailure;

  constructor(failure: ProviderFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.failure = failure;
  }
}

/** Error codes of OAuth are words; anything else is not repeated. */
const word = (value: unknown): string =>
  typeof value === 'string' && /^[\w.-]{1,60}$/.test(value) ? value : 'no known code';

/** Of openid-client: there was no answer, or none that is OAuth's. */
const NO_ANSWER: ReadonlySet<string | undefined> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
]);

/** The provider itself cannot serve for the moment (RFC 6749, section 4.1.2.1). */
const OUT_OF_ORDER: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error']);

/** Makes of whatever openid-client throws one of the three things that it can mean. */
export function providerError(provider: string, doing: string, error: unknown): IdentityProviderError {
  if (error instanceof IdentityProviderError) return error;
  const [failure, why] = meaningOf(error);
  return new IdentityProviderError(failure, `${provider}: ${doing}: ${why}`, error);
}

function meaningOf(error: unknown): [ProviderFailure, string] {
  if (error instanceof oidc.AuthorizationResponseError)
    return [OUT_OF_ORDER.has(error.error) ? 'unavailable' : 'denied', word(error.error)];
  // The code was no good; any other refusal is about this client, which only the operator can mend.
  if (error instanceof oidc.ResponseBodyError)
    return [error.error === 'invalid_grant' ? 'unproven' : 'unavailable', word(error.error)];
  if (error instanceof oidc.WWWAuthenticateChallengeError) return ['unavailable', `status ${error.status}`];
  if (error instanceof oidc.ClientError)
    return [NO_ANSWER.has(error.code) ? 'unavailable' : 'unproven', word(error.code)];
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause;
  return cause === undefined ? ['unproven', 'failed'] : ['unavailable', word(cause.code)];
}
