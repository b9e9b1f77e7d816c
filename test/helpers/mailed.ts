import type { MailData, MailTemplate } from '../../src/lib/mail/messages.ts';
import type { TestApp } from './app.ts';
import { lastMailFor, mailFor } from './mail.ts';
import { call, freshEmail, PASSWORD } from './people.ts';

/** The templates of all mail for a mailbox, oldest first, with what its answers have put off. */
export async function mailsTo(service: TestApp, email: string): Promise<MailTemplate[]> {
  await service.app.settled();
  return (await mailFor(service.deps.keyring, email)).map(({ template }) => template);
}

/** The newest mail of a template for a mailbox. */
export async function mailTo<T extends MailTemplate>(
  service: TestApp,
  email: string,
  template: T,
): Promise<MailData[T]> {
  await service.app.settled();
  return (await lastMailFor(service.deps.keyring, email, template)).data as MailData[T];
}

export const tokenIn = (link: string): string => link.split('#token=')[1] ?? '';

/** The token of the newest mail of a template that has a link. */
export async function tokenFor(
  service: TestApp,
  email: string,
  template: 'verify-email' | 'reset-password' | 'choose-password' | 'confirm-new-email' | 'magic-link',
): Promise<string> {
  return tokenIn((await mailTo(service, email, template)).link);
}

export const post = (service: TestApp, url: string, body: unknown, headers = {}) =>
  call(service, 'POST', url, body, { headers });

/** Signs up, and no more. */
export async function signUp(service: TestApp, email = freshEmail(), password = PASSWORD) {
  const response = await post(service, '/v1/users', { email, password });
  if (response.statusCode !== 201) throw new Error(`sign-up answered ${response.statusCode}: ${response.body}`);
  return { email, password, id: response.json().id as string };
}

/** Signs up and follows the mailed link. */
export async function verifiedAccount(service: TestApp, email?: string) {
  const account = await signUp(service, email);
  const token = await tokenFor(service, account.email, 'verify-email');
  const { password } = account;
  const response = await post(service, '/v1/email-verifications/confirm', { token, password });
  if (response.statusCode !== 200) throw new Error(`verification answered ${response.statusCode}: ${response.body}`);
  return account;
}

/** Asks for a reset and returns the token that is mailed. */
export async function resetToken(service: TestApp, email: string): Promise<string> {
  await post(service, '/v1/password-resets', { email });
  return tokenFor(service, email, 'reset-password');
}

/** Asks for a magic link; the challenge of the answer, and what is mailed. */
export async function magicLink(service: TestApp, email: string) {
  const { challenge } = (await post(service, '/v1/sessions/magic-link', { email })).json();
  const { link, code } = await mailTo(service, email, 'magic-link');
  return { challenge: challenge as string, code, token: tokenIn(link) };
}

/** Another code than the right one. */
export const wrongCode = (code: string, n = 1): string => String((Number(code) + n) % 1_000_000).padStart(6, '0');
