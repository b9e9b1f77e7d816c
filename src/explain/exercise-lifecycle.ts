import type { Exercise } from './scene.ts';

const reason = { reason: 'to see how the database does it' };

/** The end of an account, what keeps it from that, and what is left of it. */
export const LIFECYCLE_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  async 'POST /v1/users/me/deactivate'(scene) {
    await scene.send({ method: 'POST', url: '/v1/users/me/deactivate', as: await scene.person() });
  },

  async 'GET /v1/users/me/export'(scene) {
    await scene.send({ method: 'GET', url: '/v1/users/me/export', as: await scene.person() });
  },

  async 'POST /v1/admin/users/:id/erase'(scene) {
    const { id } = await scene.person(['user', 'admin']);
    const request = { method: 'POST', url: `/v1/admin/users/${id}/erase`, as: await scene.admin() } as const;
    await scene.send({ ...request, body: reason });
    await scene.send({ ...request, body: reason, expect: 404 });
  },

  async 'POST /v1/admin/users/:id/hold'(scene) {
    const as = await scene.admin();
    const { id } = await scene.person();
    await scene.send({ method: 'POST', url: `/v1/admin/users/${id}/hold`, as, body: reason });
    await scene.send({ method: 'DELETE', url: `/v1/admin/users/${id}`, as, expect: 409 });
  },

  async 'POST /v1/admin/users/:id/release'(scene) {
    const { id } = await scene.person();
    await scene.send({
      method: 'POST',
      url: `/v1/admin/users/${id}/release`,
      as: await scene.admin(),
      body: reason,
    });
  },

  async 'GET /v1/admin/retention'(scene) {
    await scene.send({ method: 'GET', url: '/v1/admin/retention', as: await scene.admin() });
  },
});
