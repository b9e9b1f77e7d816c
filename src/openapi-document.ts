import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import { passwordsOf } from './dependencies.ts';
import { generateKeyringSpec, parseKeyring } from './lib/keyring.ts';
import type { Dependencies } from './types/fastify.ts';

/** No request is served, so no token is signed. */
const noSigningKeys: Dependencies['signingKeys'] = {
  current() {
    throw new Error('the documented application serves no requests');
  },
  find: async () => undefined,
  rotate: async () => false,
};

/** The OpenAPI document of the very application that is served; needs neither a database nor an environment. */
export async function buildOpenApiDocument(): Promise<object> {
  const config = loadConfig({ LOG_LEVEL: 'silent' });
  const app = await buildApp(config, {
    keyring: parseKeyring(generateKeyringSpec()),
    passwords: passwordsOf(config),
    signingKeys: noSigningKeys,
    identityProviders: new Map(),
  });
  try {
    await app.ready();
    return app.swagger();
  } finally {
    await app.close();
  }
}
