import ipaddr from 'ipaddr.js';

/** How mail reaches the server that passes it on. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /**
   * `implicit`: from the first byte. `required`: by STARTTLS, or not at all. `opportunistic` (RFC 7435): if the server
   * offers it, whatever its certificate; keeps out who listens, not who interferes.
   */
  readonly tls: 'implicit' | 'required' | 'opportunistic';
  readonly credentials?: { readonly user: string; readonly pass: string };
}

/** RFC 6409 and RFC 8314: what a client submits mail on. */
const PORTS = { 'smtp:': 587, 'smtps:': 465 } as const;

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

/**
 * Reads `smtp://` or `smtps://`. Messages of errors never quote it: a password may stand in it.
 * @throws TypeError saying what is wrong
 */
export function parseSmtpUrl(text: string): SmtpServer {
  if (!URL.canParse(text)) throw new TypeError('not a URL');
  const url = new URL(text);
  const { protocol, pathname, hash } = url;
  if (protocol !== 'smtp:' && protocol !== 'smtps:') throw new TypeError('neither smtp:// nor smtps://');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!HOST.test(host) && !ipaddr.IPv6.isValid(host)) throw new TypeError('without a host');
  if (!/^\/?$/.test(pathname) || hash !== '') throw new TypeError('with a path; a host and a port are all it takes');
  const opportunistic = asksForOpportunisticTls(url.searchParams);
  const credentials = credentialsOf(url);
  if (opportunistic && protocol === 'smtps:') throw new TypeError('smtps:// with ?tls=opportunistic');
  if (opportunistic && credentials && !isLoopback(host))
    throw new TypeError('a password with ?tls=opportunistic; it could be sent in clear');
  return {
    host,
    port: url.port === '' ? PORTS[protocol] : Number(url.port),
    tls: protocol === 'smtps:' ? 'implicit' : opportunistic || isLoopback(host) ? 'opportunistic' : 'required',
    ...(credentials && { credentials }),
  };
}

function asksForOpportunisticTls(parameters: URLSearchParams): boolean {
  const given = [...parameters];
  if (given.length === 0) return false;
  // Anything else would be an option of the library underneath, such as one that turns the check of certificates off.
  if (given.length > 1 || given[0]?.join('=') !== 'tls=opportunistic')
    throw new TypeError('with a parameter other than ?tls=opportunistic');
  return true;
}

function credentialsOf({ username, password }: URL): SmtpServer['credentials'] {
  if (username === '' && password === '') return undefined;
  if (username === '' || password === '') throw new TypeError('with a user or a password alone');
  try {
    return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    throw new TypeError('with a user or a password that is not percent-encoded');
  }
}

/** Between a process and its own machine there is no wire to listen on. */
function isLoopback(host: string): boolean {
  if (/^(.+\.)?localhost$/i.test(host)) return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}
