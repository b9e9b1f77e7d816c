import type { Config } from './config.ts';
import { commonLooks } from './lib/common-passwords.ts';
import { createIdentityProviders } from './lib/identity/provider.ts';
import type { Keyring } from './lib/keyring.ts';
import { createPasswords, type Passwords } from './lib/passwords.ts';
import { CodeFailures } from './models/code-failures.ts';
import { SignInFailures } from './models/sign-in-failures.ts';
import { openSigningKeys } from './models/signing-keys.ts';
import type { NameKeeping } from './models/user-names.ts';
import type { Dependencies } from './types/fastify.ts';

/** Password hashing at the configured cost. */
export const passwordsOf = (config: Config): Passwords =>
  createPasswords({
    memoryKiB: config.ARGON2_MEMORY_KIB,
    passes: config.ARGON2_PASSES,
    parallelism: config.ARGON2_PARALLELISM,
    concurrency: config.HASHING_CONCURRENCY,
    maxQueue: config.HASHING_QUEUE,
    firebaseScryptKey:
      config.FIREBASE_SCRYPT_KEY === undefined ? undefined : Buffer.from(config.FIREBASE_SCRYPT_KEY, 'base64'),
  });

/** How names of accounts are written. */
export const nameKeepingOf = (
  { ENCRYPT_NAMES: encrypted }: Pick<Config, 'ENCRYPT_NAMES'>,
  keyring: Keyring,
): NameKeeping => ({ keyring, encrypted });

/**
 * What `buildApp` needs besides the configuration, over the connected database.
 * @throws DecryptionError when the keyring cannot open the signing keys in the database
 */
export async function openDependencies(config: Config, keyring: Keyring): Promise<Dependencies> {
  // Read now: it takes long enough that the first sign-up, and all that runs beside it, would feel it.
  commonLooks();
  return {
    keyring,
    names: nameKeepingOf(config, keyring),
    passwords: passwordsOf(config),
    codeFailures: new CodeFailures(keyring),
    signInFailures: new SignInFailures(keyring, config),
    signingKeys: await openSigningKeys(keyring),
    identityProviders: createIdentityProviders(config.IDENTITY_PROVIDERS),
  };
}
