import { countActivity } from '../../src/models/activity-count.ts';
import type { World } from './answers.ts';
import { ID_OF_NOTHING } from './operations.ts';
import { age, call, person, signIn } from './people.ts';

/** API keys, and what is answered to whoever calls with one. */
export async function byApiKey({ service, see }: World): Promise<void> {
  const admin = await person(service, { roles: ['admin'] });
  const old = await signIn(service, admin.email);
  await age(old.sessionId, 11);
  const url = '/v1/admin/api-keys';
  const body = { name: 'Nightly report', permissions: ['api-keys:read', 'users:read'] };
  const make = (given: unknown, who = admin) => who.call('POST', url, given);
  const [made] = await see(`POST ${url}`, make({ ...body, expiresAt: '2099-01-01T00:00:00Z' }));
  await see(`POST ${url}`, make(body, old), make({ ...body, permissions: [] }), make({ ...body, name: ' ' }));
  // This one stays, so that there is a stored hash to look for.
  await see(`POST ${url}`, make(body));
  const { apiKey, key } = made?.json() ?? {};
  const headers = { authorization: `Bearer ${key}` };
  const byKey = (method: 'GET' | 'POST' | 'DELETE', path: string) =>
    call(service, method, path, undefined, { headers });
  await see('GET /v1/admin/users', byKey('GET', '/v1/admin/users?limit=1'));
  await service.app.settled();
  await see(
    `GET ${url}`,
    admin.call('GET', `${url}?limit=1`),
    admin.call('GET', `${url}?cursor=x`),
    old.call('GET', url),
  );
  await see(`GET ${url}/{id}`, byKey('GET', `${url}/${apiKey.id}`), admin.call('GET', `${url}/${ID_OF_NOTHING}`));
  await see(`PATCH ${url}/{id}`, admin.call('PATCH', `${url}/${apiKey.id}`, { name: 'Weekly report' }));
  const stale = { headers: { 'if-match': '"1"' } };
  await see(`PATCH ${url}/{id}`, admin.call('PATCH', `${url}/${apiKey.id}`, { name: 'x' }, stale));
  await see(
    `DELETE ${url}/{id}`,
    old.call('DELETE', `${url}/${apiKey.id}`),
    byKey('DELETE', `${url}/${apiKey.id}`),
    admin.call('DELETE', `${url}/${apiKey.id}`, undefined, stale),
  );
  await see(`DELETE ${url}/{id}`, admin.call('DELETE', `${url}/${apiKey.id}`));
  await see(`GET ${url}`, byKey('GET', url));
}

/** Statistics, of the days that were counted. */
export async function aboutActivity({ service, see }: World): Promise<void> {
  await countActivity(new AbortController().signal);
  const admin = await person(service, { roles: ['admin'] });
  const read = (query = '') => admin.call('GET', `/v1/admin/statistics${query}`);
  await see('GET /v1/admin/statistics', read(), read('?from=2026-02-30'), read('?from=2020-01-01&to=2026-01-01'));
}
