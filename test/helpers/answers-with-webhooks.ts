import type { World } from './answers.ts';
import { ID_OF_NOTHING } from './operations.ts';
import { age, person } from './people.ts';

const WEBHOOKS = '/v1/admin/webhooks';
const TARGET = 'https://8.8.8.8/hooks/roster';

export async function withWebhooks({ service, see }: World): Promise<void> {
  const admin = await person(service, { roles: ['admin'] });
  const create = (body: unknown, headers = {}) => admin.call('POST', WEBHOOKS, body, { headers });
  const [made] = await see(
    `POST ${WEBHOOKS}`,
    create({ url: TARGET, description: 'CRM', events: ['user.created'] }),
    create({ url: 'https://127.0.0.1/' }),
    create({ url: TARGET, events: ['user.invented'] }),
    create({ url: TARGET }, { 'idempotency-key': 'a-key' }),
  );
  const { webhook } = made?.json() ?? {};
  const url = `${WEBHOOKS}/${webhook.id}`;
  const nothing = `${WEBHOOKS}/${ID_OF_NOTHING}`;
  const stale = { headers: { 'if-match': '"99"' } };
  await see(`GET ${WEBHOOKS}`, admin.call('GET', `${WEBHOOKS}?limit=1`), admin.call('GET', `${WEBHOOKS}?cursor=x`));
  await see(`GET ${WEBHOOKS}/{id}`, admin.call('GET', url), admin.call('GET', nothing));
  const patch = (body: unknown, options = {}) => admin.call('PATCH', url, body, options);
  await see(`PATCH ${WEBHOOKS}/{id}`, patch({ description: null }), patch({ enabled: true }, stale), patch({}));
  const rotate = `POST ${WEBHOOKS}/{id}/rotate-secret`;
  await see(rotate, admin.call('POST', `${url}/rotate-secret`, {}));
  await see(rotate, admin.call('POST', `${nothing}/rotate-secret`, { overlapSeconds: -1 }));
  await see(`GET ${WEBHOOKS}/{id}`, admin.call('GET', url));
  const [tested] = await see(`POST ${WEBHOOKS}/{id}/test`, admin.call('POST', `${url}/test`));
  const list = (query: string) => admin.call('GET', `${url}/deliveries${query}`);
  await see(`GET ${WEBHOOKS}/{id}/deliveries`, list(''), list('?outcome=pending'), list('?outcome=lost'));
  const replay = `POST ${WEBHOOKS}/{id}/deliveries/{deliveryId}/replay`;
  const again = () => admin.call('POST', `${url}/deliveries/${tested?.json().id}/replay`);
  await see(replay, again(), admin.call('POST', `${url}/deliveries/${ID_OF_NOTHING}/replay`));
  await admin.call('PATCH', url, { enabled: false });
  await see(replay, again());
  await see(`POST ${WEBHOOKS}/{id}/test`, admin.call('POST', `${url}/test`));
  await age(admin.sessionId, 11);
  await see(`POST ${WEBHOOKS}`, create({ url: TARGET }));
  await see(rotate, admin.call('POST', `${url}/rotate-secret`, {}));
  await see(`PATCH ${WEBHOOKS}/{id}`, patch({ url: TARGET }));
  await see(`DELETE ${WEBHOOKS}/{id}`, admin.call('DELETE', url, undefined, stale));
  await see(`DELETE ${WEBHOOKS}/{id}`, admin.call('DELETE', url));
}
