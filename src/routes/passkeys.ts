import type { FastifyRequest } from 'fastify';
import { transaction } from '../database.ts';
import { AppError } from '../errors.ts';
import { authenticatorName } from '../lib/authenticator-names.ts';
import { deviceName } from '../lib/device-name.ts';
import { sanitiseName } from '../lib/names.ts';
import { CeremonyError, type NewPasskey } from '../lib/webauthn.ts';
import { CREDENTIAL_LIMITS } from '../models/credential.ts';
import { toId } from '../models/ids.ts';
import { addPasskey, findPasskey, listPasskeys, removePasskey, renamePasskey } from '../models/passkey.ts';
import { newPasskeyOptions, readNewPasskey } from '../models/passkey-ceremony.ts';
import { findUser } from '../models/user-account.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { relyingPartyOf } from '../relying-party.ts';
import { BODY_PROBLEMS, headers, IdParams, ifMatch, NoContent, ref, signedInProblems } from '../schemas/common.ts';
import { PasskeyAdded } from '../schemas/factor.ts';
import { creationOptionsRef, Passkey, PasskeyList, PasskeyPatch, PasskeyRegistration } from '../schemas/passkey.ts';
import type { App } from '../types/fastify.ts';
import { allowsChange, announcePasskey, passkeyView, sendPasskey } from './factor-views.ts';

const passkey = (description: string) => ({ ...ref(Passkey), description, headers: headers('ETag') });

/** The passkeys of the account. */
export default async function passkeys(app: App): Promise<void> {
  app.get(
    '/users/me/passkeys',
    {
      schema: {
        operationId: 'listPasskeys',
        summary: 'List the own passkeys',
        tags: ['Factors'],
        response: { 200: { ...ref(PasskeyList), description: 'All of them.' }, ...signedInProblems() },
      },
    },
    async (request) => ({ items: (await listPasskeys(sessionOf(request).userId)).map(passkeyView) }),
  );

  app.get(
    '/users/me/passkeys/:id',
    {
      schema: {
        operationId: 'getPasskey',
        summary: 'Read one of the own passkeys',
        tags: ['Factors'],
        params: IdParams,
        response: { 200: passkey('The passkey.'), ...signedInProblems('not-found') },
      },
    },
    async (request, reply) =>
      sendPasskey(request, reply, await findPasskey(sessionOf(request).userId, toId(request.params.id))),
  );

  app.patch(
    '/users/me/passkeys/:id',
    {
      schema: {
        operationId: 'renamePasskey',
        summary: 'Rename one of the own passkeys',
        tags: ['Factors'],
        params: IdParams,
        headers: ifMatch,
        body: ref(PasskeyPatch),
        response: {
          200: passkey('The passkey as it is now.'),
          ...signedInProblems(...BODY_PROBLEMS, 'not-found', 'precondition-failed'),
        },
      },
    },
    async (request, reply) => {
      const { userId } = sessionOf(request);
      const change = { id: toId(request.params.id), name: givenName(request.body.name) };
      const renamed = await transaction((tx) =>
        renamePasskey(tx, request.origin, userId, change, allowsChange(request)),
      );
      return sendPasskey(request, reply, renamed);
    },
  );
}

/** Adding and removing them: a session alone, which may be stolen, must not be enough. */
export async function changePasskeys(app: App): Promise<void> {
  const { deps, config } = app;
  const ceremony = { keyring: deps.keyring, party: relyingPartyOf(config) };

  app.post(
    '/users/me/passkeys/options',
    {
      schema: {
        operationId: 'newPasskeyOptions',
        summary: 'Begin to add a passkey',
        description: 'Options for `navigator.credentials.create`, good for 5 minutes and this session.',
        tags: ['Factors'],
        response: {
          200: { ...creationOptionsRef, description: 'What the browser needs.' },
          ...signedInProblems('idempotency-not-supported', 'reauthentication-required'),
        },
      },
      config: { secretResponse: true },
    },
    async (request) => {
      const session = sessionOf(request);
      return newPasskeyOptions(await findUser(session.userId), session, ceremony);
    },
  );

  app.post(
    '/users/me/passkeys',
    {
      schema: {
        operationId: 'addPasskey',
        summary: 'Add a passkey',
        description:
          'It signs in by itself, and is a second factor beside a password. With the first factor of an account its other sessions end, and it gets recovery codes; this session counts as proven by both. Without a `name` it is named after where it is kept.',
        tags: ['Factors'],
        body: ref(PasskeyRegistration),
        response: {
          201: { ...ref(PasskeyAdded), description: 'The passkey counts.', headers: headers('ETag', 'Location') },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'idempotency-not-supported',
            'reauthentication-required',
            'factor-exists',
            'too-many-passkeys',
          ),
        },
      },
      config: { secretResponse: true },
    },
    async (request, reply) => {
      const session = sessionOf(request);
      const { credential, name: given } = request.body;
      const name = given === undefined ? undefined : givenName(given);
      const added = await transaction(async (tx) => {
        const verified = await readNewPasskey(tx, session, credential, ceremony);
        const named = { verified, name: name ?? defaultName(verified, request) };
        return addPasskey(tx, request.origin, session, named, deps);
      }).catch(notAccepted);
      announcePasskey(reply, added.passkey);
      const { recoveryCodes } = added;
      return { passkey: passkeyView(added.passkey), ...(recoveryCodes && { recoveryCodes }) };
    },
  );

  app.delete(
    '/users/me/passkeys/:id',
    {
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove one of the own passkeys',
        description: 'The last way to sign in stays. With the last second factor the recovery codes go too.',
        tags: ['Factors'],
        params: IdParams,
        headers: ifMatch,
        response: {
          204: NoContent,
          ...signedInProblems('reauthentication-required', 'not-found', 'last-credential', 'precondition-failed'),
        },
      },
    },
    async (request, reply) => {
      const removal = { id: toId(request.params.id), isCurrent: allowsChange(request) };
      await transaction((tx) => removePasskey(tx, request.origin, sessionOf(request), removal, deps));
      return reply.code(204).send(null);
    },
  );
}

const defaultName = ({ aaguid }: NewPasskey, { headers: { 'user-agent': userAgent = '' } }: FastifyRequest): string =>
  authenticatorName(aaguid) ?? deviceName(userAgent) ?? 'Passkey';

/** @throws {AppError} `validation-failed` for a name of which nothing is left */
function givenName(given: string): string {
  const name = sanitiseName(given);
  if (name !== '' && name.length <= CREDENTIAL_LIMITS.name) return name;
  const detail = `must hold 1 to ${CREDENTIAL_LIMITS.name} characters that are not white space or markup`;
  throw new AppError('validation-failed', { errors: [{ pointer: '/name', code: 'invalid-name', detail }] });
}

/** What a browser sends here is input: its owner hears what is wrong with it. */
function notAccepted(error: unknown): never {
  if (!(error instanceof CeremonyError)) throw error;
  const problem = { pointer: '/credential', code: 'invalid-passkey', detail: error.message };
  throw new AppError('validation-failed', { errors: [problem], cause: error });
}
