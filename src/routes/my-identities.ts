import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { type IdentityRecord, listIdentities } from '../models/identity.ts';
import { exchangeForLink } from '../models/identity-authorization.ts';
import { type IdentityOptions, linkIdentity, unlinkIdentity } from '../models/identity-link.ts';
import { sessionOf } from '../plugins/authentication.ts';
import {
  BODY_PROBLEMS,
  headers,
  IDEMPOTENCY_PROBLEMS,
  IdParams,
  idempotencyKey,
  NoContent,
  ref,
  signedInProblems,
} from '../schemas/common.ts';
import {
  Identity,
  IdentityLink,
  IdentityLinkStart,
  IdentityLinkStarted,
  IdentityList,
  ProviderParams,
} from '../schemas/identity.ts';
import type { App } from '../types/fastify.ts';
import { identityFlow } from './identity-flow.ts';

const identityView = (
  { _id, provider, email, createdAt, lastUsedAt }: IdentityRecord,
  { nameOf }: IdentityOptions,
) => ({
  id: _id.toHexString(),
  provider,
  name: nameOf(provider),
  ...(email != null && { email }),
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt.toISOString(),
});

/** The identities of the account. */
export default async function myIdentities(app: App): Promise<void> {
  const { keyring } = app.deps;
  const { options } = identityFlow(app);

  app.get(
    '/users/me/identities',
    {
      schema: {
        operationId: 'listMyIdentities',
        summary: 'List the own identities',
        tags: ['Account'],
        response: { 200: { ...ref(IdentityList), description: 'All of them, oldest first.' }, ...signedInProblems() },
      },
    },
    async (request) => {
      const found = await listIdentities(sessionOf(request).userId);
      return { items: found.map((each) => identityView(each, options)) };
    },
  );

  app.post(
    '/users/me/identities',
    {
      schema: {
        operationId: 'linkIdentity',
        summary: 'Link an identity',
        description:
          'Exchanges the code from the fragment of `redirectTo`, once, within a minute, and in the session that began. The owner is told by mail.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(IdentityLink),
        response: {
          201: { ...ref(Identity), description: 'The identity.', headers: headers('Location') },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            ...IDEMPOTENCY_PROBLEMS,
            'invalid-code',
            'reauthentication-required',
            'identity-taken',
          ),
        },
      },
    },
    async (request, reply) => {
      const owner = sessionOf(request);
      const identity = await transaction(async (tx) => {
        const proven = await exchangeForLink(tx, keyring, request.body.code, owner._id);
        return proven && linkIdentity(tx, request.origin, owner, proven, options);
      });
      if (!identity) throw new AppError('invalid-code');
      const view = identityView(identity, options);
      void reply.code(201).header('location', `/v1/users/me/identities/${view.id}`);
      return view;
    },
  );
}

/** What only a recent sign-in may do. */
export async function changeMyIdentities(app: App): Promise<void> {
  const { options, providerOf, targetOf, begin } = identityFlow(app);

  app.post(
    '/users/me/identities/:provider/authorize',
    {
      schema: {
        operationId: 'beginIdentityLink',
        summary: 'Begin to link an identity',
        description:
          'Says where to send the browser. It comes back to `redirectTo`, with `#code=…` for `POST /v1/users/me/identities` or `#error=…`.',
        tags: ['Account'],
        params: ProviderParams,
        body: ref(IdentityLinkStart),
        response: {
          200: { ...ref(IdentityLinkStarted), description: 'The way to the provider.' },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'idempotency-not-supported',
            'reauthentication-required',
            'not-found',
            'provider-unavailable',
          ),
        },
      },
      config: { secretResponse: true },
    },
    async (request) => {
      const provider = providerOf(request.params.provider);
      const redirectTo = targetOf(request.body.redirectTo, '/redirectTo');
      const session = sessionOf(request)._id.toHexString();
      return { authorizationUrl: await begin(request, provider, { redirectTo, session }) };
    },
  );

  app.delete(
    '/users/me/identities/:id',
    {
      schema: {
        operationId: 'unlinkIdentity',
        summary: 'Unlink an identity',
        description: 'The last way to sign in stays. The owner is told by mail.',
        tags: ['Account'],
        params: IdParams,
        response: { 204: NoContent, ...signedInProblems('reauthentication-required', 'not-found', 'last-credential') },
      },
    },
    async (request, reply) => {
      const owner = sessionOf(request);
      await transaction((tx) => unlinkIdentity(tx, request.origin, owner, request.params.id, options));
      return reply.code(204).send(null);
    },
  );
}
