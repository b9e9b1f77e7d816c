/** Whether a URL is on a domain or below it. */
export function isUnderDomain(url: string, domain: string): boolean {
  const { hostname } = new URL(url);
  return hostname === domain || hostname.endsWith(`.${domain}`);
}
