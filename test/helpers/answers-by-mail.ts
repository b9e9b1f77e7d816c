import type { World } from './answers.ts';
import { magicLink, mailTo, signUp, tokenFor, tokenIn } from './mailed.ts';
import { call, freshEmail, PASSWORD, person, signIn } from './people.ts';

/** What is mailed, and what comes of following it. */
export async function byMail({ service, see, post }: World): Promise<void> {
  const hiding = await service.another({ HIDE_EXISTING_ACCOUNTS: 'true' });
  const email = freshEmail();
  await see('POST /v1/users', call(hiding, 'POST', '/v1/users', { email, password: PASSWORD }));
  await hiding.app.settled();
  const { link, rejectLink } = await mailTo(hiding, email, 'verify-email');
  const verify = (body: unknown) => post('/v1/email-verifications/confirm', body);
  await see('POST /v1/email-verifications', post('/v1/email-verifications', { email: 'x' }));
  const token = tokenIn(link);
  await see('POST /v1/email-verifications/confirm', verify({ token }), verify({ token, password: 'x' }), verify({}));
  await see('POST /v1/email-verifications/confirm', verify({ token, password: PASSWORD }));
  const reject = (secret: string) => post('/v1/email-verifications/reject', { token: secret });
  await see('POST /v1/email-verifications/reject', reject(tokenIn(rejectLink)));
  const other = await signUp(service);
  await see('POST /v1/email-verifications', post('/v1/email-verifications', { email: other.email }));
  await service.app.settled();
  const second = await mailTo(service, other.email, 'verify-email');
  await see('POST /v1/email-verifications/reject', reject(tokenIn(second.rejectLink)));

  await see('POST /v1/password-resets', post('/v1/password-resets', { email }), post('/v1/password-resets', {}));
  const reset = await tokenFor(service, email, 'reset-password');
  const confirm = (body: unknown) => post('/v1/password-resets/confirm', body);
  await see('POST /v1/password-resets/confirm', confirm({ token: 'x', newPassword: PASSWORD }));
  await see('POST /v1/password-resets/confirm', confirm({ token: reset, newPassword: 'x' }));
  await see('POST /v1/password-resets/confirm', confirm({ token: reset, newPassword: PASSWORD }));

  const url = '/v1/sessions/magic-link';
  await see(`POST ${url}`, post(url, { email }), post(url, { email }, { 'idempotency-key': 'k' }));
  const { token: magic } = await magicLink(service, email);
  await see(`POST ${url}/confirm`, post(`${url}/confirm`, { token: 'x' }), post(`${url}/confirm`, {}));
  await see(`POST ${url}/confirm`, post(`${url}/confirm`, { token: magic }));

  const ada = await signIn(service, email);
  const next = freshEmail('next');
  const change = (to: string) => ada.call('PUT', '/v1/users/me/email', { email: to });
  await see('PUT /v1/users/me/email', change(next), change(email), change((await signUp(service)).email));
  const changing = await tokenFor(service, next, 'confirm-new-email');
  const finish = (body: unknown, headers = {}) => post('/v1/email-changes/confirm', body, headers);
  await see(
    'POST /v1/email-changes/confirm',
    finish({ token: changing }),
    finish({ token: changing }, { authorization: 'x' }),
  );
  await see('POST /v1/email-changes/confirm', finish({ token: changing }, ada.headers));
}

export async function asAdminByMail({ service, see }: World): Promise<void> {
  const admin = await person(service, { roles: ['user', 'admin'] });
  const email = freshEmail();
  const create = (body: unknown) => admin.call('POST', '/v1/admin/users', body);
  const [created] = await see('POST /v1/admin/users', create({ email, firstName: 'Grace', metadata: { a: 1 } }));
  await see('POST /v1/admin/users', create({ email }), create({ email: 'x' }));
  const url = `/v1/admin/users/${created?.json().id}`;
  await see('POST /v1/admin/users/{id}/password-reset', admin.call('POST', `${url}/password-reset`));
  await see('GET /v1/admin/users/{id}/sessions', admin.call('GET', `/v1/admin/users/${admin.id}/sessions`));
  await see('GET /v1/admin/users/{id}/sessions', admin.call('GET', `${url}/sessions?cursor=x`));
  await see('DELETE /v1/admin/users/{id}/sessions', admin.call('DELETE', `${url}/sessions`));
}
