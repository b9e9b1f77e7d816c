import type { SigningKeys } from '../models/signing-keys.ts';
import type { Job } from './runner.ts';

/**
 * Daily, on every instance: makes the next signing key when the newest has served its time, and learns of the one that
 * another instance made. The unique generation lets one instance through.
 */
export const rotateSigningKeys = (signingKeys: SigningKeys): Job => ({
  name: 'rotate-signing-keys',
  schedule: '17 3 * * *',
  run: async () => {
    await signingKeys.rotate();
  },
});
