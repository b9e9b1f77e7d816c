import type { World } from './answers.ts';
import { sealAll, sealingOptions } from './audit.ts';
import { person } from './people.ts';

/** What the audit trail is read by. */
export async function aboutAudit({ service, see, get }: World): Promise<void> {
  const [ada, admin] = [await person(service), await person(service, { roles: ['user', 'admin'] })];
  const list = (query: string) => admin.call('GET', `/v1/admin/audit-events${query}`);
  await admin.call('POST', `/v1/admin/users/${ada.id}/suspend`, { reason: 'x' });
  await sealAll(sealingOptions(service));
  const ofAda = `/v1/admin/users/${ada.id}/audit-events`;
  const nobody = `/v1/admin/users/${'0'.repeat(24)}/audit-events`;
  await see('GET /v1/admin/audit-events', list('?limit=100'), list(`?target=${ada.id}&from=2020-01-01T00:00:00Z`));
  await see('GET /v1/admin/audit-events', list('?cursor=x'), list('?from=x'), list('?action=user.read&outcome=denied'));
  await see('GET /v1/admin/audit-events', get('/v1/admin/audit-events'));
  await see('GET /v1/admin/users/{id}/audit-events', admin.call('GET', ofAda), admin.call('GET', nobody));
  const verification = '/v1/admin/audit-events/verification';
  await see(`GET ${verification}`, admin.call('GET', verification), admin.call('GET', `${verification}?from=0`));
  const activity = (query = '') => admin.call('GET', `/v1/users/me/activity${query}`);
  await see('GET /v1/users/me/activity', activity(), activity('?cursor=x'), get('/v1/users/me/activity'));
}
