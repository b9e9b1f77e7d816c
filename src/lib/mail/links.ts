/** Where mailed links lead, below `APP_URL`. The service has a small page of its own at each of these paths. */
export const LINK_PATHS = Object.freeze([
  'verify-email',
  'reject-sign-up',
  'reset-password',
  'choose-password',
  'confirm-email',
  'magic-link',
  'accept-invitation',
] as const);
export type LinkPath = (typeof LINK_PATHS)[number];

/**
 * A link as it is mailed. The token stands in the fragment, which a browser sends to nobody: it is in no log of a
 * server or proxy, and in no Referer.
 */
export const mailedLink = (appUrl: string, path: LinkPath, token: string): string => `${appUrl}/${path}#token=${token}`;
