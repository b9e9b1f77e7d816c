import { parseMailbox } from './mailbox.ts';
import { parseSmtpUrl } from './smtp-url.ts';

interface MailSettings {
  readonly SMTP_URL?: string;
  readonly MAIL_FROM?: string;
  readonly SERVICE_NAME: string;
  readonly NODE_ENV: string;
}

/** What is wrong with the configuration of mail, a line for each mistake, without the password that is part of it. */
export function mailProblems({ SMTP_URL, MAIL_FROM, SERVICE_NAME, NODE_ENV }: MailSettings): string[] {
  const problems: string[] = [];
  if (SMTP_URL !== undefined) problems.push(...problemOf('SMTP_URL', () => parseSmtpUrl(SMTP_URL)));
  if (MAIL_FROM !== undefined) problems.push(...problemOf('MAIL_FROM', () => parseMailbox(MAIL_FROM, SERVICE_NAME)));
  if (NODE_ENV === 'production' && SMTP_URL !== undefined && MAIL_FROM === undefined)
    problems.push('MAIL_FROM is required in production where SMTP_URL is set');
  return problems;
}

function problemOf(name: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${name}: ${(error as Error).message}`];
  }
}
