import { transaction } from '../database.ts';
import { AppError, type InputProblem } from '../errors.ts';
import { mintApiKey } from '../lib/api-key.ts';
import { sanitiseName } from '../lib/names.ts';
import { mayGrant } from '../lib/permissions.ts';
import {
  API_KEY_LIMITS,
  createApiKey,
  deleteApiKey,
  listApiKeys,
  readApiKey,
  renameApiKey,
} from '../models/api-key.ts';
import { toId } from '../models/ids.ts';
import { permissionsOfCaller, sessionOf } from '../plugins/authentication.ts';
import { ApiKey, ApiKeyCreated, ApiKeyListQuery, ApiKeyPage, ApiKeyPatch, NewApiKey } from '../schemas/api-key.ts';
import { BODY_PROBLEMS, headers, IdParams, ifMatch, NoContent, ref, signedInProblems } from '../schemas/common.ts';
import type { App } from '../types/fastify.ts';
import { apiKeyView, cursorFor, etagOf, linkToNext, preconditionOf } from './representations.ts';

const apiKey = (description: string) => ({ ...ref(ApiKey), description, headers: headers('ETag') });

/** API keys, for services that call as nobody in particular. */
export default async function adminApiKeys(app: App): Promise<void> {
  app.get(
    '/api-keys',
    {
      schema: {
        operationId: 'listApiKeys',
        summary: 'List the API keys',
        tags: ['Administration'],
        querystring: ApiKeyListQuery,
        response: {
          200: { ...ref(ApiKeyPage), description: 'A page of keys, newest first.', headers: headers('Link') },
          ...signedInProblems('forbidden', 'invalid-cursor'),
        },
      },
      config: { permission: 'api-keys:read' },
    },
    async (request, reply) => {
      const { limit = 20, cursor, createdBy } = request.query;
      const cursors = cursorFor('api-keys', { createdBy });
      const maker = createdBy === undefined ? undefined : toId(createdBy);
      const found = await listApiKeys(maker, limit + 1, cursors.read(cursor)?.id);
      const items = found.slice(0, limit);
      const last = items.at(-1);
      const nextCursor = found.length > limit && last ? cursors.write({ key: '', id: last._id.toHexString() }) : null;
      linkToNext(request, reply, nextCursor);
      return { items: items.map(apiKeyView), nextCursor };
    },
  );

  app.post(
    '/api-keys',
    {
      schema: {
        operationId: 'createApiKey',
        summary: 'Make an API key',
        description:
          'Nobody gives a key what they lack. What it may do is never more than what its maker may do at the time: it follows a change of their roles, and counts for nothing while they are suspended or deleted. An API key makes none, as what it made would outlive it.',
        tags: ['Administration'],
        body: ref(NewApiKey),
        response: {
          201: {
            ...ref(ApiKeyCreated),
            description: 'The key, which is shown only here.',
            headers: headers('ETag', 'Location'),
          },
          ...signedInProblems(...BODY_PROBLEMS, 'idempotency-not-supported', 'forbidden', 'reauthentication-required'),
        },
      },
      config: { permission: 'api-keys:write', recent: true, sessionOnly: true, secretResponse: true },
    },
    async (request, reply) => {
      const { name, permissions, expiresAt } = request.body;
      if (!mayGrant(permissionsOfCaller(request), permissions))
        throw new AppError('forbidden', { detail: 'Nobody gives a key a permission that they lack.' });
      const minted = mintApiKey();
      const { userId, authenticationMethods } = sessionOf(request);
      const fields = {
        minted,
        name: givenName(name),
        permissions,
        maker: { userId, authenticationMethods },
        ...(expiresAt !== undefined && { expiresAt: givenEnd(expiresAt) }),
      };
      const created = await transaction((tx) => createApiKey(tx, request.origin, fields));
      void reply
        .code(201)
        .header('location', `/v1/admin/api-keys/${created._id.toHexString()}`)
        .header('etag', etagOf(created));
      return { apiKey: apiKeyView(created), key: minted.key };
    },
  );

  app.get(
    '/api-keys/:id',
    {
      schema: {
        operationId: 'getApiKey',
        summary: 'Read an API key',
        tags: ['Administration'],
        params: IdParams,
        response: { 200: apiKey('The key, without its secret.'), ...signedInProblems('forbidden', 'not-found') },
      },
      config: { permission: 'api-keys:read' },
    },
    async (request, reply) => {
      const found = await readApiKey(toId(request.params.id));
      void reply.header('etag', etagOf(found));
      return apiKeyView(found);
    },
  );

  app.patch(
    '/api-keys/:id',
    {
      schema: {
        operationId: 'renameApiKey',
        summary: 'Rename an API key',
        description: 'What it may do and how long it lives never change: make another one for that.',
        tags: ['Administration'],
        params: IdParams,
        headers: ifMatch,
        body: ref(ApiKeyPatch),
        response: {
          200: apiKey('The key as it is now.'),
          ...signedInProblems(...BODY_PROBLEMS, 'forbidden', 'not-found', 'precondition-failed'),
        },
      },
      config: { permission: 'api-keys:write' },
    },
    async (request, reply) => {
      const change = { id: toId(request.params.id), name: givenName(request.body.name) };
      const precondition = preconditionOf(request);
      const renamed = await transaction((tx) => renameApiKey(tx, request.origin, change, precondition));
      void reply.header('etag', etagOf(renamed));
      return apiKeyView(renamed);
    },
  );

  app.delete(
    '/api-keys/:id',
    {
      schema: {
        operationId: 'deleteApiKey',
        summary: 'Delete an API key',
        description: 'It is refused from the next request on.',
        tags: ['Administration'],
        params: IdParams,
        headers: ifMatch,
        response: {
          204: NoContent,
          ...signedInProblems('forbidden', 'reauthentication-required', 'not-found', 'precondition-failed'),
        },
      },
      config: { permission: 'api-keys:write', recent: true },
    },
    async (request, reply) => {
      const id = toId(request.params.id);
      const precondition = preconditionOf(request);
      await transaction((tx) => deleteApiKey(tx, request.origin, id, precondition));
      return reply.code(204).send(null);
    },
  );
}

const invalid = (problem: InputProblem): AppError => new AppError('validation-failed', { errors: [problem] });

/** @throws {AppError} `validation-failed` for a name of which nothing is left */
function givenName(given: string): string {
  const name = sanitiseName(given);
  if (name !== '' && name.length <= API_KEY_LIMITS.name) return name;
  const detail = `must hold 1 to ${API_KEY_LIMITS.name} characters that are not white space or markup`;
  throw invalid({ pointer: '/name', code: 'invalid-name', detail });
}

/** @throws {AppError} `validation-failed` for a time that is over, or that no calendar has */
function givenEnd(given: string): Date {
  const end = new Date(given);
  // Not so for what is no time at all, either.
  if (end.getTime() > Date.now()) return end;
  throw invalid({ pointer: '/expiresAt', code: 'not-in-the-future', detail: 'must be a time that is still to come' });
}
