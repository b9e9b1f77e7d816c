import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { ACCESS_TOKEN_SECONDS } from '../lib/access-token.ts';
import { ref } from '../schemas/common.ts';
import { JwkSet } from '../schemas/jwks.ts';
import type { App } from '../types/fastify.ts';
import { isKnown } from './representations.ts';

/**
 * As long as an access token lives: who checks offline believes a retired key for no longer than the token of a session
 * that has ended. A key is published for days before it signs, so nobody meets one that is not in their copy.
 */
const MAX_AGE_SECONDS = ACCESS_TOKEN_SECONDS;

/** RFC 7517, section 8.5.2. Verifiers ask for it by name, or parse whatever JSON comes. */
const JWK_SET_TYPE = 'application/jwk-set+json';

/** For services that check access tokens themselves. */
export default async function jwks(app: App): Promise<void> {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        operationId: 'getKeys',
        summary: 'Public keys of access tokens',
        description:
          'All that verify a token which lives, and the one that signs next, days ahead. Keep it for as long as `Cache-Control` says; with `If-None-Match` it is sent again only when it has changed.',
        tags: ['Service'],
        response: {
          200: {
            description: 'The keys.',
            headers: {
              ETag: { type: 'string', description: 'For `If-None-Match`.' },
              'Cache-Control': { type: 'string', description: 'For how long it may be kept.' },
            },
            content: { [JWK_SET_TYPE]: { schema: ref(JwkSet) } },
          },
          304: Type.Null({ description: 'They are those of `If-None-Match`.' }),
        },
      },
    },
    async (request, reply) => {
      const keys = await app.deps.signingKeys.published();
      const version = createHash('sha256').update(keys.map(({ kid }) => kid).join());
      const etag = `"${version.digest('base64url')}"`;
      void reply.headers({ etag, 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` });
      if (isKnown(request, etag)) return reply.code(304).send(null);
      return reply.type(JWK_SET_TYPE).send({ keys: [...keys] });
    },
  );
}
