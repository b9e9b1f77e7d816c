/** Addresses of avatars: kept and handed to clients, never fetched by the service. */

/** The longest address that is stored, in characters. */
export const AVATAR_URL_MAX_LENGTH = 2048;

/** Two slashes and a host: `new URL` would also read `https:host`, `https:\\host` and relative spellings. */
const ABSOLUTE_HTTP = /^https?:\/\/[^/\\]/i;
/** `new URL` drops tabs and line breaks wherever they stand; here they make an address invalid. */
const BLANK_OR_CONTROL = /[\s\p{Cc}\p{Cs}\\]/u;
/** Unencrypted addresses are for development only. */
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * The normalised form of an absolute https URL (http for localhost only) of at most AVATAR_URL_MAX_LENGTH characters,
 * or undefined when the input is none or carries a user name or password: those would be shown to every reader.
 */
export function normaliseAvatarUrl(input: string): string | undefined {
  const text = input.trim();
  // Normalising may shorten (`/a/../b`) and lengthen (percent-encoding): both forms have to fit.
  if (text.length > AVATAR_URL_MAX_LENGTH || !ABSOLUTE_HTTP.test(text) || BLANK_OR_CONTROL.test(text)) return undefined;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol === 'http:' && !LOCAL_HOSTS.has(url.hostname)) return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  return url.href.length <= AVATAR_URL_MAX_LENGTH ? url.href : undefined;
}
