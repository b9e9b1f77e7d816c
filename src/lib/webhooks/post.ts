import type { LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { singleLine } from '../names.ts';
import { WebhookError } from './errors.ts';
import { type TargetPolicy, targetAddresses } from './target.ts';

/** Of a refusal so much is read, and so much is kept for whoever wonders why, in characters. */
const READ_LENGTH = 2_048;
const EXCERPT_LENGTH = 200;

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The beginning of a refusal, as one line. */
  readonly excerpt: string | undefined;
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/**
 * Posts once, to an address that was checked, and follows no redirect: that would lead to one that was not.
 * @throws {WebhookError} when there was no answer; its code says why
 */
export async function post(
  { url: spelled, headers, body }: Post,
  policy: TargetPolicy,
  signal: AbortSignal,
): Promise<Answer> {
  const url = new URL(spelled);
  try {
    const addresses = await abortable(targetAddresses(url, policy), signal);
    const response = await send(url, { headers, body, lookup: always(addresses), signal });
    const status = response.statusCode ?? 0;
    const excerpt = isSuccess(status) ? undefined : await beginningOf(response);
    response.destroy();
    return { status, retryAfter: response.headers['retry-after'], excerpt };
  } catch (error) {
    throw error instanceof WebhookError ? error : new WebhookError(codeOf(error, signal), { cause: error });
  }
}

/** A resolver that hangs is waited for no longer than anything else. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** What a connection asks for addresses, and is given those that were checked. */
const always =
  (addresses: readonly LookupAddress[]): LookupFunction =>
  (_hostname, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };

interface Sending extends Omit<Post, 'url'> {
  readonly lookup: LookupFunction;
  readonly signal: AbortSignal;
}

function send(url: URL, { headers, body, lookup, signal }: Sending): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      lookup,
      signal,
      // A connection of its own each time: one that is kept was checked for another try.
      agent: false,
    } as const;
    request(url, options, resolve).on('error', reject).end(body);
  });
}

/** A body that ends early still has a beginning. */
async function beginningOf(response: IncomingMessage): Promise<string | undefined> {
  let read = '';
  try {
    response.setEncoding('utf8');
    for await (const chunk of response) {
      read += chunk;
      if (read.length >= READ_LENGTH) break;
    }
  } catch {
    // The status has been told already.
  }
  // By code points: half a character would be none.
  const line = [...singleLine([...read].slice(0, READ_LENGTH).join(''))].slice(0, EXCERPT_LENGTH).join('');
  return line === '' ? undefined : line;
}

/** Codes of Node and of TLS, such as `ECONNREFUSED` and `CERT_HAS_EXPIRED`. */
function codeOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted)
    return signal.reason instanceof Error && signal.reason.name === 'TimeoutError' ? 'timeout' : 'stopped';
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z_]{1,60}$/.test(code) ? code : 'no-answer';
}
