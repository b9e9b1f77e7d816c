import { transaction } from '../database.ts';
import { qrCodeUrl } from '../lib/qr-code.ts';
import { findFactors } from '../models/factor.ts';
import { renewRecoveryCodes } from '../models/recovery-code.ts';
import { confirmTotp, removeTotp, startTotp } from '../models/totp.ts';
import { sessionOf } from '../plugins/authentication.ts';
import { BODY_PROBLEMS, NoContent, ref, signedInProblems } from '../schemas/common.ts';
import { Factors, RecoveryCodeSet, TotpConfirmation, TotpConfirmed, TotpSetup } from '../schemas/factor.ts';
import type { App } from '../types/fastify.ts';
import { factorsView, totpView } from './factor-views.ts';

/** What the account signs in with besides its password. */
export default async function factors(app: App): Promise<void> {
  app.get(
    '/users/me/factors',
    {
      schema: {
        operationId: 'getFactors',
        summary: 'Read the own factors',
        tags: ['Factors'],
        response: { 200: { ...ref(Factors), description: 'All of them.' }, ...signedInProblems() },
      },
    },
    async (request) => factorsView(await findFactors(sessionOf(request).userId)),
  );
}

/** Adding and removing them: a session alone, which may be stolen, must not be enough. */
export async function changeFactors(app: App): Promise<void> {
  const { config, deps } = app;

  app.post(
    '/users/me/factors/totp',
    {
      schema: {
        operationId: 'startTotp',
        summary: 'Begin to add an authenticator app',
        description:
          'It counts once a code of it is confirmed; until then the same request begins anew. SHA-1, 6 digits, 30 seconds.',
        tags: ['Factors'],
        response: {
          201: { ...ref(TotpSetup), description: 'What the app is set up with.' },
          ...signedInProblems('idempotency-not-supported', 'reauthentication-required', 'factor-exists'),
        },
      },
      config: { secretResponse: true },
    },
    async (request, reply) => {
      const setup = await transaction((tx) => startTotp(tx, sessionOf(request), config.SERVICE_NAME, deps));
      void reply.code(201);
      return { ...setup, qrCode: await qrCodeUrl(setup.uri) };
    },
  );

  app.post(
    '/users/me/factors/totp/confirm',
    {
      schema: {
        operationId: 'confirmTotp',
        summary: 'Confirm the authenticator app',
        description:
          'From now on every sign-in asks for a second factor. With the first factor of an account its other sessions end, and it gets recovery codes; this session counts as proven by both.',
        tags: ['Factors'],
        body: ref(TotpConfirmation),
        response: {
          200: { ...ref(TotpConfirmed), description: 'The app counts.' },
          ...signedInProblems(
            ...BODY_PROBLEMS,
            'idempotency-not-supported',
            'reauthentication-required',
            'invalid-code',
            'not-found',
            'factor-exists',
          ),
        },
      },
      config: { secretResponse: true },
    },
    async (request) => {
      const { code } = request.body;
      const { totp, recoveryCodes } = await transaction((tx) =>
        confirmTotp(tx, request.origin, sessionOf(request), code, deps),
      );
      return { totp: totpView(totp), ...(recoveryCodes && { recoveryCodes }) };
    },
  );

  app.delete(
    '/users/me/factors/totp',
    {
      schema: {
        operationId: 'removeTotp',
        summary: 'Remove the authenticator app',
        description: 'With the last second factor the recovery codes go too.',
        tags: ['Factors'],
        response: { 204: NoContent, ...signedInProblems('reauthentication-required', 'not-found') },
      },
    },
    async (request, reply) => {
      await transaction((tx) => removeTotp(tx, request.origin, sessionOf(request), deps));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/users/me/factors/recovery-codes',
    {
      schema: {
        operationId: 'renewRecoveryCodes',
        summary: 'Make new recovery codes',
        description: 'The codes of the set before are dead.',
        tags: ['Factors'],
        response: {
          201: { ...ref(RecoveryCodeSet), description: 'Ten codes, to be kept apart from the device.' },
          ...signedInProblems('idempotency-not-supported', 'reauthentication-required'),
        },
      },
      config: { secretResponse: true },
    },
    async (request, reply) => {
      const recoveryCodes = await transaction((tx) => renewRecoveryCodes(tx, request.origin, sessionOf(request), deps));
      void reply.code(201);
      return { recoveryCodes };
    },
  );
}
