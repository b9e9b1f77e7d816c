import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import { nameKeepingOf, passwordsOf } from './dependencies.ts';
import { generateKeyringSpec, parseKeyring } from './lib/keyring.ts';
import { CodeFailures } from './models/code-failures.ts';
import { SignInFailures } from './models/sign-in-failures.ts';
import type { App, Dependencies } from './types/fastify.ts';

/** No request is served, so no token is signed. */
const noSigningKeys: Dependencies['signingKeys'] = {
  async current() {
    throw new Error('the documented application serves no requests');
  },
  find: async () => undefined,
  published: async () => [],
  rotate: async () => false,
};

/** Asks the very application that is served about itself; needs neither a database nor an environment. */
export async function withDocumentedApp<T>(work: (app: App) => T): Promise<T> {
  const config = loadConfig({ LOG_LEVEL: 'silent' });
  const keyring = parseKeyring(generateKeyringSpec());
  const app = await buildApp(config, {
    keyring,
    names: nameKeepingOf(config, keyring),
    passwords: passwordsOf(config),
    codeFailures: new CodeFailures(keyring),
    signInFailures: new SignInFailures(keyring, config),
    signingKeys: noSigningKeys,
    identityProviders: new Map(),
  });
  try {
    await app.ready();
    return work(app);
  } finally {
    await app.close();
  }
}

export const buildOpenApiDocument = (): Promise<object> => withDocumentedApp((app) => app.swagger());
