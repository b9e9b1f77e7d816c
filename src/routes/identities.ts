import { exchangeForSignIn } from '../models/identity-authorization.ts';
import { BODY_PROBLEMS, headers, problems, ref, SIGN_IN_PROBLEMS } from '../schemas/common.ts';
import {
  AuthorizeQuery,
  IdentityProviderList,
  IdentitySignIn,
  ProviderParams,
  ToProvider,
} from '../schemas/identity.ts';
import { SignedIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { bindBrowser, identityFlow, invalid } from './identity-flow.ts';

const FIVE_MINUTES_MS = 300_000;

const missing = (name: string) =>
  invalid({ pointer: `?${name}`, code: 'required', detail: 'is required with the other' });

/** Sign-in by an account elsewhere: where there are any, the way there, and the end of it. The way back is beside. */
export default async function identities(app: App): Promise<void> {
  const { keyring, identityProviders } = app.deps;
  const { providerOf, targetOf, begin, signInBy } = identityFlow(app);

  app.get(
    '/identities',
    {
      schema: {
        operationId: 'listIdentityProviders',
        summary: 'List the identity providers',
        description: 'Those of the configuration, in its order: a button for each.',
        tags: ['Sessions'],
        response: { 200: { ...ref(IdentityProviderList), description: 'The providers.' }, ...problems() },
      },
    },
    async () => ({ items: [...identityProviders.values()].map(({ id, name }) => ({ id, name })) }),
  );

  app.get(
    '/identities/:provider/authorize',
    {
      schema: {
        operationId: 'beginIdentitySignIn',
        summary: 'Sign in at an identity provider',
        description:
          'For browsers: navigate here. With `redirectTo` the browser comes back there, with `#code=…` for `POST /v1/sessions/identity` or `#error=…`; without it the callback answers as any sign-in does.',
        tags: ['Sessions'],
        params: ProviderParams,
        querystring: AuthorizeQuery,
        response: { 302: ToProvider, ...problems('not-found', 'provider-unavailable') },
      },
      config: { limit: { name: 'identity-authorize', max: 60, windowMs: FIVE_MINUTES_MS } },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { redirectTo, codeChallenge } = request.query;
      const provider = providerOf(request.params.provider);
      // Each without the other would be an end that is not tied to the client that began.
      if (redirectTo !== undefined && codeChallenge === undefined) throw missing('codeChallenge');
      if (redirectTo === undefined && codeChallenge !== undefined) throw missing('redirectTo');
      const target = redirectTo === undefined ? {} : { redirectTo: targetOf(redirectTo, '?redirectTo') };
      const browser = bindBrowser(request, reply, provider);
      const url = await begin(request, provider, { browser, ...target, ...(codeChallenge && { codeChallenge }) });
      return reply.redirect(url, 302);
    },
  );

  app.post(
    '/sessions/identity',
    {
      schema: {
        operationId: 'signInByIdentity',
        summary: 'Sign in with the code of an identity provider',
        description:
          'Exchanges the code from the fragment of `redirectTo`, once and within a minute. An unknown person with an email gets an account; one that exists is linked where both sides have verified its email.',
        tags: ['Sessions'],
        body: ref(IdentitySignIn),
        response: {
          201: { ...ref(SignedIn), description: 'A new session.', headers: headers('Location') },
          ...problems(...BODY_PROBLEMS, ...SIGN_IN_PROBLEMS, 'invalid-code', 'email-required', 'link-required'),
        },
      },
      config: { limit: { name: 'sign-in', max: 60, windowMs: FIVE_MINUTES_MS }, secretResponse: true },
    },
    async (request, reply) => {
      const { code, codeVerifier } = request.body;
      return signInBy(request, reply, (tx) => exchangeForSignIn(tx, keyring, code, codeVerifier));
    },
  );
}
