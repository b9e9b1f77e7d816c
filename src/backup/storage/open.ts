import { DirectoryStorage } from './directory.ts';
import type { Storage } from './storage.ts';
import { parseBackupUrl } from './url.ts';

/** The storage that a URL names. The client of S3 is loaded only by those who use it. */
export async function openStorage(url: string): Promise<Storage> {
  const place = parseBackupUrl(url);
  if (place.kind === 'directory') return new DirectoryStorage(place.path);
  const { S3Storage } = await import('./s3.ts');
  return new S3Storage(place);
}
