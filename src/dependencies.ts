import type { Config } from './config.ts';
import { createIdentityProviders } from './lib/identity/provider.ts';
import type { Keyring } from './lib/keyring.ts';
import { createPasswords, type Passwords } from './lib/passwords.ts';
import { openSigningKeys } from './models/signing-keys.ts';
import type { Dependencies } from './types/fastify.ts';

/** Password hashing at the configured cost. */
export const passwordsOf = (config: Config): Passwords =>
  createPasswords({
    memoryKiB: config.ARGON2_MEMORY_KIB,
    passes: config.ARGON2_PASSES,
    parallelism: config.ARGON2_PARALLELISM,
    concurrency: config.HASHING_CONCURRENCY,
    maxQueue: config.HASHING_QUEUE,
  });

/**
 * What `buildApp` needs besides the configuration, over the connected database.
 * @throws DecryptionError when the keyring cannot open the signing keys in the database
 */
export const openDependencies = async (config: Config, keyring: Keyring): Promise<Dependencies> => ({
  keyring,
  passwords: passwordsOf(config),
  signingKeys: await openSigningKeys(keyring),
  identityProviders: createIdentityProviders(config.IDENTITY_PROVIDERS),
});
