import type { Mail, MailData, MailTemplate } from '../../src/lib/mail/messages.ts';
import { MAIL_TEMPLATES } from '../../src/lib/mail/messages.ts';

/** What the examples are filled with; `text` stands wherever people or strangers have a say. */
function exampleData(text: string): { readonly [T in MailTemplate]: MailData[T] } {
  const notice = { at: '2026-03-05T14:03:59.000Z', ip: '203.0.113.7', userAgent: text };
  const link = { link: 'https://accounts.example.com/go?a=1&b=2#token=s3cr3t-link', validForSeconds: 86_400 };
  return {
    'verify-email': { ...link, rejectLink: 'https://accounts.example.com/reject#token=s3cr3t-reject' },
    'team-invitation': { ...link, team: text },
    'sign-up-again': notice,
    'reset-password': link,
    'choose-password': link,
    'password-changed': notice,
    'confirm-new-email': link,
    'email-change-requested': { ...notice, newEmail: text },
    'email-changed': { ...notice, newEmail: text },
    'magic-link': { ...link, code: '482913' },
    'session-ended': notice,
    'factor-added': { ...notice, factor: 'passkey', name: text },
    'factor-removed': { ...notice, factor: 'totp' },
    'recovery-code-used': { ...notice, left: 3 },
    'identity-linked': { ...notice, provider: text },
    'identity-unlinked': { ...notice, provider: text },
    'account-suspended': notice,
    'account-reactivated': notice,
    'account-deactivated': notice,
    'account-deleted': { ...notice, days: 30 },
    'account-restored': notice,
    'account-dormant-soon': { ...notice, months: 24, days: 30 },
    'account-dormant': { ...notice, months: 24 },
    'webhook-disabled': { ...notice, host: text, reason: 'failing' },
  };
}

/** One mail of each template. */
export function exampleMails(to: string, text = 'Example'): Mail[] {
  const data = exampleData(text);
  return MAIL_TEMPLATES.map((template) => ({ template, to, data: data[template] }) as Mail);
}
