import { isUtf8 } from 'node:buffer';
import { shapeProblem } from '../lib/body-shape.ts';
import { BODY_PROBLEMS, headers, problems, ref, SIGN_IN_PROBLEMS } from '../schemas/common.ts';
import { ProviderAnswer, ProviderParams, ToClient } from '../schemas/identity.ts';
import { SignedIn } from '../schemas/session.ts';
import type { App } from '../types/fastify.ts';
import { identityFlow, invalid } from './identity-flow.ts';

const LIMIT = { name: 'identity-callback', max: 60, windowMs: 300_000 };

const PROBLEMS = [
  ...SIGN_IN_PROBLEMS,
  'not-found',
  'invalid-state',
  'identity-denied',
  'identity-unproven',
  'email-required',
  'link-required',
  'provider-unavailable',
] as const;

const responses = {
  201: {
    ...ref(SignedIn),
    description: 'A new session; where no `redirectTo` was given.',
    headers: headers('Location'),
  },
  303: ToClient,
};

const DESCRIPTION = 'Where providers send browsers back to; nothing that a client calls.';

/** No charset, or the only one that such a form has. */
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:; charset="utf-8")?$/i;

/** The way back from a provider. It is the one place where a form is taken, since Apple answers by one. */
export default async function identityCallback(app: App): Promise<void> {
  const { arrive } = identityFlow(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(FORM_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, parseForm(body));
  });

  app.get(
    '/identities/:provider/callback',
    {
      schema: {
        operationId: 'finishIdentitySignIn',
        summary: 'Come back from an identity provider',
        description: DESCRIPTION,
        tags: ['Sessions'],
        params: ProviderParams,
        querystring: ProviderAnswer,
        response: { ...responses, ...problems(...PROBLEMS) },
      },
      config: { limit: LIMIT },
      exposeHeadRoute: false,
    },
    async (request, reply) => arrive(request, reply, request.params.provider, request.query),
  );

  app.post(
    '/identities/:provider/callback',
    {
      schema: {
        operationId: 'finishIdentitySignInByForm',
        summary: 'Come back from an identity provider by a form',
        description: DESCRIPTION,
        tags: ['Sessions'],
        consumes: ['application/x-www-form-urlencoded'],
        params: ProviderParams,
        body: ProviderAnswer,
        response: { ...responses, ...problems(...PROBLEMS, ...BODY_PROBLEMS) },
      },
      config: { limit: LIMIT, secretResponse: true },
    },
    async (request, reply) => arrive(request, reply, request.params.provider, request.body),
  );
}

/** @throws {AppError} `validation-failed`, also for a form that says one thing twice: each reader would choose another */
function parseForm(body: Buffer): Record<string, string> {
  if (!isUtf8(body)) throw invalid({ pointer: '', code: 'invalid-format', detail: 'must be UTF-8' });
  const fields = [...new URLSearchParams(body.toString())];
  const form = Object.fromEntries(fields);
  if (Object.keys(form).length < fields.length)
    throw invalid({ pointer: '', code: 'duplicate', detail: 'must have each field once' });
  const problem = shapeProblem(form);
  if (problem) throw invalid(problem);
  return form;
}
