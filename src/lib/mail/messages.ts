/** When, from where and with what somebody did what a mail tells of. */
export interface Notice {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly ip?: string;
  readonly userAgent?: string;
}

export type Factor = 'totp' | 'passkey' | 'recovery-codes';

/** A link that works once. */
interface OneTimeLink {
  readonly link: string;
  /** How long it works, counted from the change. The mail says so, and is not delivered after that. */
  readonly validForSeconds?: number;
}

/** Every mail that the service sends, by its template, with what it is filled with. Links are absolute. */
export interface MailData {
  'verify-email': OneTimeLink & { readonly rejectLink: string };
  /** Somebody signed up with an email that has an account: its owner hears of it, the stranger does not. */
  'sign-up-again': Notice;
  'reset-password': OneTimeLink;
  /** An admin made the account; its owner chooses the password. */
  'choose-password': OneTimeLink;
  'password-changed': Notice;
  /** To the new mailbox. */
  'confirm-new-email': OneTimeLink;
  /** To the old mailbox. */
  'email-change-requested': Notice & { readonly newEmail: string };
  'email-changed': Notice & { readonly newEmail: string };
  'magic-link': OneTimeLink & { readonly code: string };
  /** A refresh token was used twice. */
  'session-ended': Notice;
  'factor-added': Notice & { readonly factor: Factor; readonly name?: string };
  'factor-removed': Notice & { readonly factor: Factor; readonly name?: string };
  'recovery-code-used': Notice & { readonly left: number };
  'identity-linked': Notice & { readonly provider: string };
  'identity-unlinked': Notice & { readonly provider: string };
  /** What an admin does tells neither who it was nor from where. */
  'account-suspended': Notice;
  'account-reactivated': Notice;
  'account-deactivated': Notice;
  /** It can be restored for so many days. */
  'account-deleted': Notice & { readonly days: number };
  'account-restored': Notice;
  /** Nobody has signed in for so many months; in so many days it becomes inactive. */
  'account-dormant-soon': Notice & { readonly months: number; readonly days: number };
  'account-dormant': Notice & { readonly months: number };
  /** To whoever is asked to become a member of a team, with or without an account. */
  'team-invitation': OneTimeLink & { readonly team: string };
  /** To admins. */
  'webhook-disabled': Notice & { readonly host: string; readonly reason: 'failing' | 'gone' };
}

export type MailTemplate = keyof MailData;

/** A mail to send: one template with its data, for one mailbox. */
export type Mail = {
  [T in MailTemplate]: { readonly template: T; readonly to: string; readonly data: MailData[T] };
}[MailTemplate];

export const MAIL_TEMPLATES = Object.freeze([
  'verify-email',
  'sign-up-again',
  'reset-password',
  'choose-password',
  'password-changed',
  'confirm-new-email',
  'email-change-requested',
  'email-changed',
  'magic-link',
  'session-ended',
  'factor-added',
  'factor-removed',
  'recovery-code-used',
  'identity-linked',
  'identity-unlinked',
  'account-suspended',
  'account-reactivated',
  'account-deactivated',
  'account-deleted',
  'account-restored',
  'account-dormant-soon',
  'account-dormant',
  'webhook-disabled',
  'team-invitation',
] as const satisfies MailTemplate[]);
