import { randomUUID } from 'node:crypto';

import { type Exercise, PASSWORD, type Scene } from './scene.ts';

const NEXT = `${PASSWORD}!`;

const unknown = () => `${randomUUID()}@example.com`;

/** Somebody who has just signed up, and has not verified the email. */
async function newcomer(scene: Scene): Promise<{ id: string; email: string }> {
  const email = unknown();
  const response = await scene.prepare({ method: 'POST', url: '/v1/users', body: { email, password: PASSWORD } });
  return { id: response.json().id, email };
}

const tokenOf = (link: string): string => link.split('#token=')[1] ?? '';

/** What the newest mail about an account has in it. */
async function mailed(scene: Scene, id: string): Promise<{ token: string; rejectToken: string; code: string }> {
  const { data } = await scene.lastMail(id);
  return {
    token: 'link' in data ? tokenOf(data.link) : '',
    rejectToken: 'rejectLink' in data ? tokenOf(data.rejectLink) : '',
    code: 'code' in data ? data.code : '',
  };
}

/** Asks for mail for an account, and for an email that has none. */
const asksForMail =
  (url: string): Exercise =>
  async (scene) => {
    const { email } = await newcomer(scene);
    for (const each of [email, unknown()]) await scene.send({ method: 'POST', url, body: { email: each } });
  };

/** Routes whose requests go on with what came by mail. */
export const MAILED_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  'POST /v1/email-verifications': asksForMail('/v1/email-verifications'),
  'POST /v1/password-resets': asksForMail('/v1/password-resets'),
  'POST /v1/sessions/magic-link': asksForMail('/v1/sessions/magic-link'),

  async 'POST /v1/email-verifications/confirm'(scene) {
    const request = { method: 'POST', url: '/v1/email-verifications/confirm' } as const;
    const { token } = await mailed(scene, (await newcomer(scene)).id);
    await scene.send({ ...request, body: { token }, expect: 401 });
    await scene.send({ ...request, body: { token, password: 'wrong' }, expect: 401 });
    await scene.send({ ...request, body: { token, password: PASSWORD } });
  },

  async 'POST /v1/email-verifications/reject'(scene) {
    const { rejectToken: token } = await mailed(scene, (await newcomer(scene)).id);
    await scene.send({ method: 'POST', url: '/v1/email-verifications/reject', body: { token } });
  },

  async 'POST /v1/password-resets/confirm'(scene) {
    const url = '/v1/password-resets';
    for (const { id, email } of [await newcomer(scene), await scene.nextAccount()]) {
      await scene.prepare({ method: 'POST', url, body: { email } });
      const { token } = await mailed(scene, id);
      await scene.send({ method: 'POST', url: `${url}/confirm`, body: { token, newPassword: NEXT } });
    }
  },

  async 'PUT /v1/users/me/email'(scene) {
    const as = await scene.person();
    const request = { method: 'PUT', url: '/v1/users/me/email', as } as const;
    await scene.send({ ...request, body: { email: unknown() } });
    await scene.send({ ...request, body: { email: (await scene.nextAccount()).email }, expect: 409 });
  },

  async 'POST /v1/email-changes/confirm'(scene) {
    const as = await scene.person();
    await scene.prepare({ method: 'PUT', url: '/v1/users/me/email', as, body: { email: unknown() } });
    const { token } = await mailed(scene, as.id);
    await scene.send({ method: 'POST', url: '/v1/email-changes/confirm', as, body: { token } });
  },

  async 'POST /v1/sessions/magic-link/confirm'(scene) {
    const url = '/v1/sessions/magic-link';
    const request = { method: 'POST', url: `${url}/confirm` } as const;
    for (const { id, email } of [await newcomer(scene), await scene.nextAccount()]) {
      const { challenge } = (await scene.prepare({ method: 'POST', url, body: { email } })).json();
      const { token, code } = await mailed(scene, id);
      const wrong = code === '000000' ? '000001' : '000000';
      await scene.send({ ...request, body: { challenge, code: wrong }, expect: 401 });
      await scene.send({ ...request, body: { token } });
      await scene.send({ ...request, body: { token }, expect: 401 });
    }
  },
});
