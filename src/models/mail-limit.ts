import { Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import type { MailTemplate } from '../lib/mail/messages.ts';
import { countUp } from './rate-limit.ts';

const HOUR_MS = 3_600_000;

/**
 * How many mails of a kind one account or mailbox is sent in an hour, where a person can make the service send them.
 * What tells of a change that was made is always sent: whoever made it must not be able to use the warning up.
 */
const MAILS_AN_HOUR: { readonly [T in MailTemplate]: number | 'all' } = {
  'verify-email': 5,
  'sign-up-again': 3,
  'reset-password': 5,
  'choose-password': 5,
  'confirm-new-email': 5,
  'magic-link': 10,
  'password-changed': 'all',
  'email-change-requested': 'all',
  'email-changed': 'all',
  'session-ended': 'all',
  'factor-added': 'all',
  'factor-removed': 'all',
  'recovery-code-used': 'all',
  'identity-linked': 'all',
  'identity-unlinked': 'all',
};

/**
 * Counts one more mail for an account (its id) or a mailbox (its normalised email), and tells whether it may be sent.
 * Outside of any transaction, since a mail that was asked for counts, whatever becomes of it. Ask before looking up
 * whether the account exists: then a stranger's email costs and answers the same.
 */
export async function mayMail(
  keyring: Keyring,
  whom: Types.ObjectId | string,
  template: MailTemplate,
): Promise<boolean> {
  const max = MAILS_AN_HOUR[template];
  if (max === 'all') return true;
  const key = whom instanceof Types.ObjectId ? `user:${whom.toHexString()}` : `address:${whom}`;
  const limit = { name: `mail-${template}`, max, windowMs: HOUR_MS };
  const { count } = await countUp(limit, keyring.mac('mail-limit', key).toString('base64url'));
  return count <= max;
}
