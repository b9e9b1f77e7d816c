/**
 * Where webhooks go: an address that an admin chose, and that the service calls from inside its own network. So it must
 * not lead back into that network, whatever its name resolves to, and whenever.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import ipaddr from 'ipaddr.js';
import { WebhookError } from './errors.ts';

export const TARGET_MAX_LENGTH = 2048;

/** Two slashes and a host: `new URL` would also read `https:host`, `https:\\host` and relative spellings. */
const ABSOLUTE_HTTP = /^https?:\/\/[^/\\]/i;
/** `new URL` drops tabs and line breaks wherever they stand; here they make an address invalid. */
const BLANK_OR_CONTROL = /[\s\p{Cc}\p{Cs}\\]/u;

export interface TargetPolicy {
  /** Also addresses of this machine and of private networks, and without TLS: for development and for closed networks. */
  readonly allowPrivate: boolean;
  /** All addresses of a name. Default: as the system resolves it. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** Whether an address belongs to the open internet. Default: `isPublicAddress`. */
  readonly isPublic?: (address: string) => boolean;
}

/** The normalised form of an address that webhooks may be sent to, or the code of what is wrong with it. */
export function readTarget(input: string, { allowPrivate }: TargetPolicy): { url: string } | { problem: string } {
  const text = input.trim();
  if (text.length > TARGET_MAX_LENGTH || !ABSOLUTE_HTTP.test(text) || BLANK_OR_CONTROL.test(text))
    return { problem: 'invalid-url' };
  if (!URL.canParse(text)) return { problem: 'invalid-url' };
  const url = new URL(text);
  if (url.protocol === 'http:' && !allowPrivate) return { problem: 'https-required' };
  // They would be shown to every reader, and signatures say who is calling.
  if (url.username !== '' || url.password !== '') return { problem: 'credentials-in-url' };
  url.hash = '';
  return url.href.length <= TARGET_MAX_LENGTH ? { url: url.href } : { problem: 'invalid-url' };
}

/** Whether an address belongs to the open internet: not to a machine, a link, a private network or a special use. */
export const isPublicAddress = (address: string): boolean =>
  // `process` reads an IPv4 address out of the IPv6 one that it may be wrapped in.
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';

/** A host as a URL spells it, without the brackets of IPv6. */
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

const systemResolve = (hostname: string): Promise<LookupAddress[]> => dns.lookup(hostname, { all: true });

/**
 * The addresses of a host, resolved once. Whoever connects must connect to one of these: a name that is resolved again
 * may say something else by then.
 * @throws {WebhookError} `private-address` when any of them is not public, `unresolvable`
 */
export async function targetAddresses(
  { hostname }: Pick<URL, 'hostname'>,
  { allowPrivate, resolve = systemResolve, isPublic = isPublicAddress }: TargetPolicy,
): Promise<readonly LookupAddress[]> {
  const addresses = await addressesOf(bare(hostname), resolve);
  if (!allowPrivate && !addresses.every(({ address }) => isPublic(address))) throw new WebhookError('private-address');
  return addresses;
}

async function addressesOf(
  host: string,
  resolve: NonNullable<TargetPolicy['resolve']>,
): Promise<readonly LookupAddress[]> {
  if (ipaddr.isValid(host)) return [{ address: host, family: ipaddr.parse(host).kind() === 'ipv6' ? 6 : 4 }];
  const addresses = await resolve(host).catch((cause: unknown) => {
    throw new WebhookError('unresolvable', { cause });
  });
  if (addresses.length === 0) throw new WebhookError('unresolvable');
  return addresses;
}
