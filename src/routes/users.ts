import { assertAcceptablePassword } from '../models/acceptable-password.ts';
import { signUp, signUpUnseen } from '../models/sign-up.ts';
import { emailField, profileChange } from '../models/user-fields.ts';
import { BODY_PROBLEMS, headers, IDEMPOTENCY_PROBLEMS, idempotencyKey, problems, ref } from '../schemas/common.ts';
import { Accepted } from '../schemas/mailed.ts';
import { SignUp, User } from '../schemas/user.ts';
import type { App } from '../types/fastify.ts';
import { accepted, mailOptions } from './mailed.ts';
import { sendUser, userView } from './representations.ts';

const HOUR_MS = 3_600_000;

/** Sign-up. */
export default async function users(app: App): Promise<void> {
  const { config, deps } = app;

  app.post(
    '/users',
    {
      schema: {
        operationId: 'signUp',
        summary: 'Sign up',
        description:
          'Creates an account that signs in with email and password, and mails it a link to verify the email. Where the deployment hides which accounts exist, the answer is 202 for a free email and a taken one alike, and the owner of a taken one is told by mail.',
        tags: ['Account'],
        headers: idempotencyKey,
        body: ref(SignUp),
        response: {
          201: { ...ref(User), description: 'The new account.', headers: headers('ETag', 'Location') },
          202: { ...ref(Accepted), description: 'Only where existing accounts are hidden: how to go on is mailed.' },
          ...problems(...BODY_PROBLEMS, ...IDEMPOTENCY_PROBLEMS, 'password-unacceptable', 'email-taken'),
        },
      },
      config: {
        limit: { name: 'sign-up', max: 20, windowMs: HOUR_MS },
        fingerprintWithout: ['password'],
        hashes: true,
      },
    },
    async (request, reply) => {
      const { password, email: given, ...input } = request.body;
      const { email, problems: emailProblems } = emailField(given);
      const { set: profile, problems: profileProblems } = profileChange(input);
      const others = [...emailProblems, ...profileProblems];
      const candidate = { password, pointer: '/password', owner: { email, ...input }, others };
      await assertAcceptablePassword(candidate, { config, log: request.log });
      const passwordHash = await deps.passwords.hash(password);
      const { origin } = request;
      const account = { email, passwordHash, profile };
      const options = { ...mailOptions(app), names: deps.names };
      if (config.HIDE_EXISTING_ACCOUNTS) {
        reply.afterwards(() => signUpUnseen(origin, account, options));
        return reply.code(202).send(accepted);
      }
      const user = await signUp(origin, account, options);
      void reply.code(201).header('location', '/v1/users/me');
      return sendUser(request, reply, user, userView(deps.keyring, user));
    },
  );
}
