import type { Exercise, Person, Scene } from './scene.ts';

const WEBHOOKS = '/v1/admin/webhooks';

/** An address of the open internet that is not asked for: nothing is delivered here. */
const TARGET = 'https://8.8.8.8/hooks/roster';

interface Made {
  readonly as: Person;
  readonly url: string;
}

/** An endpoint that hears of nothing that other exercises do. */
async function made(scene: Scene): Promise<Made> {
  const as = await scene.admin();
  const body = { url: TARGET, events: ['user.restored'] };
  const { webhook } = (await scene.prepare({ method: 'POST', url: WEBHOOKS, as, body })).json();
  return { as, url: `${WEBHOOKS}/${webhook.id}` };
}

/** Routes of endpoints that hear of what happens. */
export const WEBHOOK_EXERCISES: Readonly<Record<string, Exercise>> = Object.freeze({
  async 'GET /v1/admin/webhooks'(scene) {
    const { as } = await made(scene);
    await made(scene);
    const first = await scene.send({ method: 'GET', url: WEBHOOKS, as, query: { limit: '1' } });
    const { nextCursor } = first.json();
    await scene.send({ method: 'GET', url: WEBHOOKS, as, query: { limit: '1', cursor: nextCursor } });
  },

  async 'POST /v1/admin/webhooks'(scene) {
    const as = await scene.admin();
    const body = { url: TARGET, description: 'to see how the database does it', enabled: false };
    await scene.send({ method: 'POST', url: WEBHOOKS, as, body });
  },

  async 'GET /v1/admin/webhooks/:id'(scene) {
    const { as, url } = await made(scene);
    await scene.send({ method: 'GET', url, as });
  },

  async 'PATCH /v1/admin/webhooks/:id'(scene) {
    const { as, url } = await made(scene);
    const request = { method: 'PATCH', url, as, body: { enabled: true, description: null } } as const;
    const { headers } = await scene.send(request);
    await scene.send({ ...request, headers: { 'if-match': String(headers['etag']) } });
    await scene.send({ ...request, headers: { 'if-match': '"0"' }, expect: 412 });
  },

  async 'DELETE /v1/admin/webhooks/:id'(scene) {
    const { as, url } = await made(scene);
    await scene.send({ method: 'DELETE', url, as });
    await scene.send({ method: 'DELETE', url, as, expect: 404 });
  },

  async 'POST /v1/admin/webhooks/:id/rotate-secret'(scene) {
    const { as, url } = await made(scene);
    await scene.send({ method: 'POST', url: `${url}/rotate-secret`, as, body: {} });
    await scene.send({ method: 'POST', url: `${url}/rotate-secret`, as, body: { overlapSeconds: 0 } });
    await scene.send({ method: 'POST', url: `${url}/rotate-secret`, as, body: {} });
  },

  async 'POST /v1/admin/webhooks/:id/test'(scene) {
    const { as, url } = await made(scene);
    await scene.send({ method: 'POST', url: `${url}/test`, as });
  },

  async 'GET /v1/admin/webhooks/:id/deliveries'(scene) {
    const { as, url } = await made(scene);
    for (let time = 0; time < 2; time++) await scene.prepare({ method: 'POST', url: `${url}/test`, as });
    for (const filter of [{}, { outcome: 'pending' }]) {
      const request = { method: 'GET', url: `${url}/deliveries`, as } as const;
      const first = await scene.send({ ...request, query: { ...filter, limit: '1' } });
      await scene.send({ ...request, query: { ...filter, limit: '1', cursor: first.json().nextCursor } });
    }
  },

  async 'POST /v1/admin/webhooks/:id/deliveries/:deliveryId/replay'(scene) {
    const { as, url } = await made(scene);
    const delivery = (await scene.prepare({ method: 'POST', url: `${url}/test`, as })).json();
    await scene.send({ method: 'POST', url: `${url}/deliveries/${delivery.id}/replay`, as });
  },
});
