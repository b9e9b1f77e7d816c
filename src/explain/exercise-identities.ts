import { createHash, randomUUID } from 'node:crypto';

import type { Exercise, Scene } from './scene.ts';

/** A provider that nobody can reach: what is looked at is what the database is asked. */
const NOWHERE = 'http://localhost:9';
const PROVIDER = 'nowhere';

/** For IDENTITY_PROVIDERS of an instance that is exercised. */
export const SCENE_PROVIDERS = JSON.stringify([
  {
    id: PROVIDER,
    clientId: 'scene',
    authorizationEndpoint: `${NOWHERE}/authorize`,
    tokenEndpoint: `${NOWHERE}/token`,
    userinfoEndpoint: `${NOWHERE}/user`,
  },
]);

const CALLBACK = `/v1/identities/${PROVIDER}/callback`;
const VERIFIER = 'a verifier of the client, as long as RFC 7636 asks for'.replaceAll(/[^a-zA-Z0-9]/g, '-');
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

const someone = (email: string, emailVerified = true) => ({
  provider: PROVIDER,
  subject: randomUUID(),
  email,
  emailVerified,
});

/** Goes to the provider, and comes back with the state and the cookie of that. */
async function begin(scene: Scene): Promise<{ state: string; cookie: string }> {
  const { headers } = await scene.prepare({ method: 'GET', url: `/v1/identities/${PROVIDER}/authorize` });
  const state = new URL(String(headers.location)).searchParams.get('state') ?? '';
  return { state, cookie: String(headers['set-cookie']).split(';', 1)[0] ?? '' };
}

async function signIn(scene: Scene, identity: ReturnType<typeof someone>, expect?: number): Promise<void> {
  const code = await scene.arrival(identity, { codeChallenge: CHALLENGE });
  const body = { code, codeVerifier: VERIFIER };
  await scene.send({ method: 'POST', url: '/v1/sessions/identity', body, ...(expect && { expect }) });
}

/** Somebody signed in with an identity, whose id is returned. */
async function linked(scene: Scene, work: 'send' | 'prepare') {
  const as = await scene.person();
  const code = await scene.arrival(someone(as.email), { session: as.sessionId });
  const response = await scene[work]({ method: 'POST', url: '/v1/users/me/identities', as, body: { code } });
  return { as, id: String(response.json().id) };
}

/** The routes of identity providers, for the list of all. */
export const IDENTITY_EXERCISES: Readonly<Record<string, Exercise>> = {
  async 'GET /v1/identities'(scene) {
    await scene.send({ method: 'GET', url: '/v1/identities' });
  },

  async 'GET /v1/identities/:provider/authorize'(scene) {
    await scene.send({ method: 'GET', url: `/v1/identities/${PROVIDER}/authorize` });
  },

  async 'GET /v1/identities/:provider/callback'(scene) {
    const { state, cookie } = await begin(scene);
    const request = { method: 'GET', url: CALLBACK, headers: { cookie } } as const;
    await scene.send({ ...request, query: { state, code: 'x' }, expect: 503 });
    await scene.send({ ...request, query: { state, code: 'x' }, expect: 401 });
  },

  async 'POST /v1/identities/:provider/callback'(scene) {
    const { state, cookie } = await begin(scene);
    const request = { method: 'POST', url: CALLBACK, headers: { cookie } } as const;
    await scene.send({ ...request, form: { state, code: 'x' }, expect: 503 });
    await scene.send({ ...request, form: { state, code: 'x' }, expect: 401 });
  },

  async 'POST /v1/sessions/identity'(scene) {
    const newcomer = someone(`${randomUUID()}@example.com`);
    await signIn(scene, newcomer);
    await signIn(scene, newcomer);
    const { email } = await scene.nextAccount();
    await signIn(scene, someone(email, false), 409);
    await signIn(scene, someone(email));
    await signIn(scene, someone((await scene.nextAccount(['user'], { emailVerified: false })).email));
  },

  async 'GET /v1/users/me/identities'(scene) {
    const { as } = await linked(scene, 'prepare');
    await scene.send({ method: 'GET', url: '/v1/users/me/identities', as });
  },

  async 'POST /v1/users/me/identities'(scene) {
    await linked(scene, 'send');
  },

  async 'POST /v1/users/me/identities/:provider/authorize'(scene) {
    const body = { redirectTo: 'http://localhost:3000/docs' };
    await scene.send({
      method: 'POST',
      url: `/v1/users/me/identities/${PROVIDER}/authorize`,
      as: await scene.person(),
      body,
    });
  },

  async 'DELETE /v1/users/me/identities/:id'(scene) {
    const { as, id } = await linked(scene, 'prepare');
    await scene.send({ method: 'DELETE', url: `/v1/users/me/identities/${id}`, as });
  },
};
