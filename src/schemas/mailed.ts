import { Type } from 'typebox';
import { named } from './common.ts';
import { deviceToken, signInTransport } from './session.ts';
import { Email, Password } from './user.ts';

const Token = Type.String({ minLength: 1, maxLength: 128, description: 'From the mailed link. Works once.' });
const token = 'qvwLJqPOzzVwaNGNVTjzYoFSgp7E1jxQwJmJ5vYkPGs';
const challenge = '0Qm1kz0GwqS7t4ZC3kXg6vB8yHnUuPjR2dLfEoAaTsM';

export const Accepted = named(
  'Accepted',
  { status: Type.Literal('accepted') },
  { description: 'Mail is on its way, if there is something to mail.', examples: [{ status: 'accepted' }] },
);

export const MailRequest = named('MailRequest', { email: Email }, { examples: [{ email: 'ada@example.com' }] });

export const MailedToken = named('MailedToken', { token: Token }, { examples: [{ token }] });

export const MailboxProof = named(
  'MailboxProof',
  {
    token: Token,
    password: Type.Optional({ ...Password, description: 'Of the account; not needed with a session of it.' }),
  },
  { examples: [{ token, password: 'correct horse battery staple' }] },
);

export const PasswordReset = named(
  'PasswordReset',
  { token: Token, newPassword: Password },
  { examples: [{ token, newPassword: 'four random words again' }] },
);

export const MagicLinkChallenge = named(
  'MagicLinkChallenge',
  { challenge: Type.String({ description: 'Goes with the code from the mail. Also given where no mail is sent.' }) },
  { examples: [{ challenge }] },
);

export const MagicLinkAnswer = named(
  'MagicLinkAnswer',
  {
    token: Type.Optional(Token),
    challenge: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'As it was answered to the request.' }),
    ),
    code: Type.Optional(Type.String({ pattern: '^[0-9]{6}$', description: 'From the mail.' })),
    deviceToken,
    ...signInTransport,
  },
  {
    description: 'Either the `token` of the link, or `challenge` and `code`.',
    examples: [{ challenge, code: '482913' }],
  },
);
