/** Hosts that a connection to never leaves the machine for. */
const LOOPBACK = /^(?:(?:[^.]+\.)*localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * Whether browsers take a URL for secure, and so keep cookies that are marked `Secure`: by HTTPS, or on the machine
 * itself (W3C Secure Contexts, section 3.1).
 */
export function isTrustworthy(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || LOOPBACK.test(hostname);
}
