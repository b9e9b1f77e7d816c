import { AUDIT_LISTS } from '../models/audit-list.ts';
import type { Exercise, Person, Scene } from './scene.ts';

/** A value for each filter that many events have. */
const valuesFor = ({ id }: Person) => ({ actor: id, target: id, action: 'session.created', outcome: 'success' });

const PERIOD = { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };

/** The first page, and the one behind it if there is one. */
async function twoPages(scene: Scene, url: string, as: Person, query: Readonly<Record<string, string>>) {
  const request = { method: 'GET', url, as } as const;
  const first = await scene.send({ ...request, query: { limit: '5', ...query } });
  const cursor = first.json().nextCursor;
  if (cursor !== null) await scene.send({ ...request, query: { limit: '5', ...query, cursor } });
}

/** Routes that read the audit trail. */
export const AUDIT_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  async 'GET /v1/admin/audit-events'(scene) {
    const as = await scene.admin();
    const values = valuesFor(as);
    for (const { filter } of AUDIT_LISTS) {
      const query = filter ? { [filter]: values[filter] } : {};
      await twoPages(scene, '/v1/admin/audit-events', as, query);
      await twoPages(scene, '/v1/admin/audit-events', as, { ...query, ...PERIOD });
    }
  },

  async 'GET /v1/admin/users/:id/audit-events'(scene) {
    const { id } = await scene.person();
    await twoPages(scene, `/v1/admin/users/${id}/audit-events`, await scene.admin(), {});
    const nobody = `/v1/admin/users/${'0'.repeat(24)}/audit-events`;
    await scene.send({ method: 'GET', url: nobody, as: await scene.admin(), expect: 404 });
  },

  async 'GET /v1/admin/audit-events/verification'(scene) {
    await scene.seal();
    const request = { method: 'GET', url: '/v1/admin/audit-events/verification', as: await scene.admin() } as const;
    await scene.send(request);
    await scene.send({ ...request, query: { from: '2', limit: '1' } });
  },

  async 'GET /v1/users/me/activity'(scene) {
    await twoPages(scene, '/v1/users/me/activity', await scene.person(), {});
  },
});
