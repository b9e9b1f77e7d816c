import { type ClientSession, Types } from 'mongoose';
import { transaction } from '../database.ts';
import type { Keyring } from '../lib/keyring.ts';
import { mailedLink } from '../lib/mail/links.ts';
import { hashMailedCode, hashSecret, isMailedCode, isSecret, newMailedCode } from '../lib/mailed-code.ts';
import { type AccountStamp, guardOf, stampOf } from './account-stamp.ts';
import { type AuditOrigin, recordAuditEvent } from './audit-event.ts';
import { mayMail } from './mail-limit.ts';
import { proveMailbox } from './mailbox.ts';
import { findForMail, issueMailedToken, LINK_SECONDS, type MailOptions } from './mailed-token.ts';
import { consumeToken, countAttempt, type FoundToken, findToken, newToken, revokeTokens } from './one-time-token.ts';
import { enqueueMail } from './outbox.ts';
import { countsNow, openCounter } from './rate-limit.ts';
import type { Proof } from './sign-in.ts';
import type { UserRecord } from './user.ts';

const PURPOSE = 'magic-link';

/** Wrong codes that one mail gets. */
const MAX_TRIES = 5;

/** Wrong codes that one account gets, however many mails: above it a day's codes are refused. Links still work. */
const wrongCodes = openCounter({ name: 'wrong-mailed-code', max: 20, windowMs: 86_400_000 });

/** Stands between the challenge and the secret of a link; neither has one in it. */
const SEPARATOR = '.';

/**
 * What the mail proves, by hashes. The challenge itself goes to whoever asks, who need not be the owner of the mailbox:
 * it only names the mail. One token stands for the link and the code, so that the use of one ends the other.
 */
interface MailedSecrets extends AccountStamp {
  readonly secret: string;
  readonly code: string;
}

/** What is given back: the link's token, or the code together with the challenge that was answered to the request. */
export type MagicLinkAnswer = { readonly token: string } | { readonly challenge: string; readonly code: string };

/** Mails link and code, if there is an account; whoever asked is not told. Newer mail overtakes the one before. */
export async function requestMagicLink(
  origin: AuditOrigin,
  email: string,
  challenge: string,
  options: MailOptions,
): Promise<void> {
  const allowed = await mayMail(options.keyring, email, 'magic-link');
  const user = await findForMail(email);
  if (user && allowed) return transaction((tx) => mailMagicLink(tx, origin, user, challenge, options));
  await recordAuditEvent(undefined, origin, {
    action: 'session.challenged',
    outcome: allowed ? 'failure' : 'denied',
    reason: allowed ? 'not-found' : 'rate-limited',
    target: { collection: 'users', ...(user && { id: user._id }) },
  });
}

async function mailMagicLink(
  tx: ClientSession,
  origin: AuditOrigin,
  user: UserRecord,
  challenge: string,
  { keyring, appUrl }: MailOptions,
): Promise<void> {
  const secret = newToken();
  const code = newMailedCode();
  const seconds = LINK_SECONDS[PURPOSE];
  await revokeTokens(tx, user._id, [PURPOSE]);
  await issueMailedToken(tx, keyring, user, {
    purpose: PURPOSE,
    seconds,
    token: challenge,
    payload: { secret: hashSecret(secret), code: hashMailedCode(keyring, challenge, code) },
  });
  const link = mailedLink(appUrl, 'magic-link', challenge + SEPARATOR + secret);
  const data = { link, code, validForSeconds: seconds };
  await enqueueMail(tx, keyring, { template: 'magic-link', to: user.email, data }, user._id);
  await recordAuditEvent(tx, origin, { action: 'session.challenged', target: { collection: 'users', id: user._id } });
}

/**
 * Checks what came with a mail, and uses up nothing but a try.
 * @returns the challenge for `proveByMagicLink`, or null: alike for a wrong code, a dead one and a challenge of nobody
 */
export async function checkMagicLink(
  origin: AuditOrigin,
  keyring: Keyring,
  answer: MagicLinkAnswer,
): Promise<string | null> {
  const [challenge = '', secret = ''] =
    'token' in answer ? answer.token.split(SEPARATOR, 2) : [answer.challenge, undefined];
  const found = await findToken<MailedSecrets>(keyring, PURPOSE, challenge);
  const right =
    'token' in answer
      ? found !== null && isSecret(secret, found.payload.secret)
      : await isRightCode(keyring, found, answer);
  if (right) return challenge;
  await recordAuditEvent(undefined, origin, {
    action: 'session.created',
    outcome: 'failure',
    reason: 'invalid-code',
    target: { collection: 'users', ...(found?.userId && { id: found.userId }) },
  });
  return null;
}

/** The same is asked of the database whether there is such a challenge or not: it was given to everybody who asked. */
async function isRightCode(
  keyring: Keyring,
  found: FoundToken<MailedSecrets> | null,
  { challenge, code }: { readonly challenge: string; readonly code: string },
): Promise<boolean> {
  const key = keyring.mac('rate-limit', found?.userId?.toHexString() ?? challenge).toString('base64url');
  const mayTry = await countAttempt(found?._id ?? new Types.ObjectId(), MAX_TRIES);
  const [{ count } = { count: 0 }] = await countsNow([{ counter: wrongCodes, key }]);
  const right = found !== null && isMailedCode(keyring, challenge, code, found.payload.code);
  if (right && mayTry && count < wrongCodes.limit.max) return true;
  await wrongCodes.countUp(key);
  return false;
}

/** Uses the mail up, in the transaction of the sign-in: of several at once, one gets in. It proves the mailbox. */
export async function proveByMagicLink(
  tx: ClientSession,
  origin: AuditOrigin,
  keyring: Keyring,
  challenge: string,
): Promise<Proof | null> {
  const used = await consumeToken<MailedSecrets>(tx, keyring, PURPOSE, challenge);
  const user = used?.userId && (await proveMailbox(tx, origin, used.userId, guardOf(used.payload)));
  if (!user) return null;
  await revokeTokens(tx, user._id, [PURPOSE]);
  return { user, methods: ['otp'], guard: guardOf(stampOf(user)) };
}
