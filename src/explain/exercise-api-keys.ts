import type { Permission } from '../lib/permissions.ts';
import type { Exercise, Person, Scene } from './scene.ts';

const url = '/v1/admin/api-keys';

interface MadeApiKey {
  readonly id: string;
  /** Whoever calls with it. */
  readonly as: Person;
}

async function apiKey(scene: Scene, permissions: readonly Permission[] = ['api-keys:read']): Promise<MadeApiKey> {
  const maker = await scene.admin();
  const made = await scene.prepare({ method: 'POST', url, as: maker, body: { name: 'A service', permissions } });
  const { apiKey, key } = made.json();
  return { id: apiKey.id, as: { ...maker, headers: { authorization: `Bearer ${key}` } } };
}

/** API keys: made, listed, changed, and called with. */
export const API_KEY_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  async 'POST /v1/admin/api-keys'(scene) {
    const body = { name: 'A service', permissions: ['users:read'], expiresAt: '2099-01-01T00:00:00.000Z' };
    await scene.send({ method: 'POST', url, as: await scene.admin(), body });
  },

  async 'GET /v1/admin/api-keys'(scene) {
    const as = await scene.admin();
    for (let n = 0; n < 3; n += 1) await apiKey(scene);
    for (const query of [{ limit: '1' }, { limit: '1', createdBy: as.id }] as const) {
      const first = await scene.send({ method: 'GET', url, as, query });
      const cursor: string = first.json().nextCursor;
      await scene.send({ method: 'GET', url, as, query: { ...query, cursor } });
    }
  },

  async 'GET /v1/admin/api-keys/:id'(scene) {
    // By the key itself: so a request shows what it costs to call with one.
    const { id, as } = await apiKey(scene);
    await scene.send({ method: 'GET', url: `${url}/${id}`, as });
  },

  async 'PATCH /v1/admin/api-keys/:id'(scene) {
    const { id } = await apiKey(scene);
    const request = { method: 'PATCH', url: `${url}/${id}`, as: await scene.admin() } as const;
    const { headers } = await scene.send({ ...request, body: { name: 'Another' } });
    const body = { name: 'A third' };
    await scene.send({ ...request, body, headers: { 'if-match': String(headers['etag']) } });
    await scene.send({ ...request, body, headers: { 'if-match': '"0"' }, expect: 412 });
  },

  async 'DELETE /v1/admin/api-keys/:id'(scene) {
    const { id } = await apiKey(scene);
    const request = { method: 'DELETE', url: `${url}/${id}`, as: await scene.admin() } as const;
    await scene.send(request);
    await scene.send({ ...request, expect: 404 });
  },
});
