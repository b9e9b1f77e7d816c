import { randomBytes } from 'node:crypto';
import type { Document } from 'mongodb';
import { type Keyring, placeOf } from '../../src/lib/keyring.ts';

/** Answers that were kept for a replay: what there is most of that is encrypted. */
export const keptAnswers = (keyring: Keyring, count: number): (Document & { _id: string })[] =>
  Array.from({ length: count }, (_, n) => {
    const _id = randomBytes(32).toString('base64url');
    return {
      _id,
      fingerprint: randomBytes(32).toString('base64url'),
      statusCode: 201,
      headers: { location: `/v1/users/${n}` },
      body: keyring.encrypt(`answer ${n}`, placeOf('idempotency_keys', _id, 'body')),
      expiresAt: new Date(Date.now() + 86_400_000),
    };
  });

/** What the database takes for a ciphertext, and no keyring opens. */
export const UNOPENABLE = `v1.unknown.${'x'.repeat(38)}`;

/** For writes of whoever owns the database: it refuses clear text where a ciphertext belongs, but not them. */
export const UNCHECKED = { bypassDocumentValidation: true } as const;

/** The same ciphertext with one bit of its payload flipped: well formed, and made by nobody. */
export function flipped(ciphertext: string, bit = 0): string {
  const [version, keyId, payload = ''] = ciphertext.split('.');
  const bytes = Buffer.from(payload, 'base64url');
  const index = Math.floor(bit / 8) % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit % 8));
  return `${version}.${keyId}.${bytes.toString('base64url')}`;
}
