/** Longer than any page of a client; it travels in a query, and is kept while somebody is away. */
export const REDIRECT_MAX_LENGTH = 2048;

/**
 * Where a browser may be sent, or undefined for anywhere else: a page of one of these origins, by the very parser that
 * browsers use, so that no spelling means one place here and another one there. No fragment, as that is where the
 * answer goes, and no credentials.
 */
export function redirectTarget(value: string, origins: ReadonlySet<string>): string | undefined {
  if (value.length > REDIRECT_MAX_LENGTH || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  // Not `url.origin`: that of a `blob:` is the origin of whoever made it.
  if (
    !origins.has(`${url.protocol}//${url.host}`) ||
    url.username !== '' ||
    url.password !== '' ||
    url.href.includes('#')
  )
    return undefined;
  return url.href;
}
