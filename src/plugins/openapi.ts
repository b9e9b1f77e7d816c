import { readFileSync } from 'node:fs';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyContextConfig, FastifySchema } from 'fastify';
import fp from 'fastify-plugin';
import { SAFE_METHODS } from '../lib/http-methods.ts';
import { webhooksSection } from '../openapi-webhooks.ts';
import { withProblem } from '../schemas/common.ts';
import { namedSchemas } from '../schemas/index.ts';
import type { App } from '../types/fastify.ts';
import { DOCUMENTATION_POLICY } from './security.ts';
import { ACCESS_COOKIE } from './session-cookies.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Schemes of the access token and of API keys, as the document names them. */
const BEARER = 'accessToken';
const COOKIE = 'sessionCookie';
const API_KEY = 'apiKey';

const TAGS = [
  { name: 'Account', description: 'What an account does for itself.' },
  { name: 'Sessions', description: 'Signing in, staying signed in, signing out.' },
  { name: 'Factors', description: 'Second factors and passkeys, and proving again who one is.' },
  { name: 'Administration', description: 'For support and admins; each route names the permission it needs.' },
  { name: 'Webhooks', description: 'Endpoints of other services that hear of what happens here.' },
  { name: 'Service', description: 'Health, keys and documentation.' },
];

const DESCRIPTION = `Accounts, sessions and their administration.

Times are UTC in ISO 8601. Unknown properties are refused, in bodies and in queries. Errors are problem documents
(RFC 9457) whose \`code\` is stable; all of them are listed at \`/problems\`. Every response carries \`X-Request-Id\`.
Lists are paged by \`limit\` and \`cursor\`; single resources carry an \`ETag\` for \`If-Match\`. Limits answer 429 with
\`Retry-After\`, and every limited response tells where the client stands in \`RateLimit\` and \`RateLimit-Policy\`.`;

interface DocumentedRoute {
  readonly method: string | readonly string[];
  readonly config?: FastifyContextConfig;
}

/** What the scope of a route says about who may call it, in the words of OpenAPI. */
function withAccess(schema: FastifySchema | undefined, { method, config = {} }: DocumentedRoute): FastifySchema {
  const { access = 'public', permission, role, optionalSession, sessionOnly } = config;
  const unsafe = ![method].flat().every((each) => SAFE_METHODS.has(each));
  const byCookie = (access !== 'public' || optionalSession) && unsafe;
  const signedIn = [{ [BEARER]: [] }, { [COOKIE]: [] }];
  const permissionNote = permission === undefined ? '' : `\n\nNeeds the permission \`${permission}\`.`;
  const roleNote = role === undefined ? '' : `\n\nNeeds the role \`${role}\`.`;
  const description = `${schema?.description ?? ''}${permissionNote}${roleNote}${recentNote(config)}`.trim();
  return {
    ...schema,
    ...(description && { description }),
    ...(byCookie && { response: withProblem(schema?.response ?? {}, 'foreign-origin') }),
    security: [
      ...(optionalSession ? [{}] : []),
      ...(access !== 'public' || optionalSession ? signedIn : []),
      ...(access === 'admin' && !sessionOnly && role === undefined ? [{ [API_KEY]: [] }] : []),
    ],
  };
}

function recentNote({ access, recent, sessionOnly }: FastifyContextConfig): string {
  if (access !== 'recently-authenticated' && !recent) return '';
  const who = recent && !sessionOnly ? 'A session needs' : 'Needs';
  return `\n\n${who} a sign-in within the last 10 minutes.`;
}

/** What a domain collection adds to the document. */
interface Documented {
  readonly schemas: readonly object[];
  readonly tag: { readonly name: string; readonly description: string };
}

/** Gathers the OpenAPI document from the very schemas that validate. */
async function openapi(app: App, { resources }: { readonly resources: readonly Documented[] }): Promise<void> {
  for (const schema of [...namedSchemas, ...resources.flatMap(({ schemas }) => schemas)]) app.addSchema(schema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: app.config.SERVICE_NAME,
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' } as { name: string },
      },
      servers: [{ url: '/', description: 'This service.' }],
      tags: [...TAGS, ...resources.map(({ tag }) => tag)],
      webhooks: webhooksSection(),
      components: {
        securitySchemes: {
          [BEARER]: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'The `accessToken` of a sign-in or a refresh.',
          },
          [COOKIE]: {
            type: 'apiKey',
            in: 'cookie',
            name: ACCESS_COOKIE,
            description:
              'The same as a cookie, after a sign-in with `transport: "cookie"`. Unsafe requests need an `Origin` of `CORS_ORIGINS` or of the service itself.',
          },
          [API_KEY]: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'rk_<prefix>_<secret>',
            description: 'For services: what `POST /v1/admin/api-keys` has given. Administration alone takes it.',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema['$id'] ?? `schema-${index}`),
    },
    transform: ({ schema, url, route }) => ({ schema: withAccess(schema, route as DocumentedRoute), url }),
  });
}

/** The document as JSON, and a page to read it on and try it. */
export async function documentation(app: App): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCUMENTATION_POLICY,
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true, persistAuthorization: false },
  });

  let document: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}

export default fp(openapi, { name: 'openapi', dependencies: ['security'] });
