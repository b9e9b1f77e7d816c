import type { SigningKeys } from '../models/signing-keys.ts';
import type { Job } from './runner.ts';

/**
 * Hourly: makes the next signing key two days before the newest has served its time. It fails, days before sign-ins
 * would, where the keyring lacks the key to it.
 */
export const rotateSigningKeys = (signingKeys: SigningKeys): Job => ({
  name: 'rotate-signing-keys',
  schedule: '17 * * * *',
  run: async () => ({ created: (await signingKeys.rotate()) ? 1 : 0 }),
});
