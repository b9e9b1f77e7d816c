import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where BACKUP_URL points to. */
export type BackupPlace =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Without a slash at its ends; empty for the whole bucket. */
      readonly prefix: string;
      readonly endpoint?: string;
      readonly region?: string;
    };

/** For people: where that is, without credentials. */
export const locationOf = (place: BackupPlace): string =>
  place.kind === 'directory' ? pathToFileURL(place.path).href : `s3://${place.bucket}/${place.prefix}`;

const S3_OPTIONS = ['endpoint', 'region'];

/**
 * Reads `file:///directory` and `s3://bucket/prefix?endpoint=…&region=…`.
 * @throws {TypeError} saying what is wrong with it
 */
export function parseBackupUrl(text: string): BackupPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'file:') return { kind: 'directory', path: fileURLToPath(url) };
  if (url?.protocol !== 's3:' || url.hostname === '')
    throw new TypeError('must be file:///directory or s3://bucket/prefix');
  if (url.username || url.password)
    throw new TypeError('must hold no credentials; S3 takes those of AWS_ACCESS_KEY_ID');
  const { endpoint, region, ...others } = Object.fromEntries(url.searchParams);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`takes ${S3_OPTIONS.join(' and ')}, not ${unknown}`);
  if (endpoint !== undefined && !/^https?:\/\/[^/]+\/?$/.test(endpoint))
    throw new TypeError('has an endpoint that is not a URL such as https://s3.example.com');
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, ''),
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
  };
}
