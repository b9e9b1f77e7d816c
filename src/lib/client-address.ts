/** Which clients share a limit. */
import ipaddr from 'ipaddr.js';

/** A household or a machine gets at least a /64 of IPv6 and may change its address within it as often as it likes. */
const IPV6_PREFIX = 64;
/** All that cannot be read as an address shares one limit: inventing such texts gains nothing. */
const UNREADABLE = 'unreadable';

/**
 * The key under which requests of an address are limited: an IPv4 address as it is, an IPv6 address by its network
 * (`2001:db8:1:2::/64`). IPv4 addresses written in IPv6 (`::ffff:192.0.2.1`, NAT64) count as IPv4, and every spelling
 * of an address gives the same key.
 */
export function limitKey(address: string): string {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address).toString();
  if (!ipaddr.IPv6.isValid(address)) return UNREADABLE;
  const parsed = ipaddr.IPv6.parse(address);
  return embeddedIPv4(parsed) ?? networkOf(parsed);
}

/** By these, one gateway speaks for any number of unrelated IPv4 hosts: a /64 would throw them all together. */
function embeddedIPv4(address: ipaddr.IPv6): string | undefined {
  const range = address.range();
  if (range !== 'ipv4Mapped' && range !== 'rfc6052') return undefined;
  return ipaddr.IPv4.parse(address.toByteArray().slice(-4).join('.')).toString();
}

function networkOf(address: ipaddr.IPv6): string {
  const bytes = address.toByteArray().map((byte, index) => (index < IPV6_PREFIX / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${IPV6_PREFIX}`;
}
