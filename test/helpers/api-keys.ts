import type { LightMyRequestResponse as Response } from 'fastify';
import type { Permission } from '../../src/lib/permissions.ts';
import type { TestApp } from './app.ts';
import { call, type Options, type Person } from './people.ts';

export interface ApiKeyCaller {
  readonly id: string;
  readonly key: string;
  readonly headers: { readonly authorization: string };
  /** A request with this key, to the instance that it was made with unless another is given. */
  call(
    method: Parameters<Person['call']>[0],
    url: string,
    body?: unknown,
    options?: Options & { on?: TestApp },
  ): Promise<Response>;
}

/** Makes an API key as `maker`; throws when the answer is none. */
export async function apiKeyOf(
  service: TestApp,
  maker: Person,
  permissions: readonly Permission[],
  more: { readonly name?: string; readonly expiresAt?: string } = {},
): Promise<ApiKeyCaller> {
  const body = { name: 'A service', permissions, ...more };
  const response = await maker.call('POST', '/v1/admin/api-keys', body, { on: service });
  if (response.statusCode !== 201) throw new Error(`no API key: ${response.statusCode} ${response.body}`);
  const { apiKey, key } = response.json();
  const headers = { authorization: `Bearer ${key}` };
  return {
    id: apiKey.id,
    key,
    headers,
    call: (method, url, body, { on = service, ...options } = {}) =>
      call(on, method, url, body, { ...options, headers: { ...headers, ...options.headers } }),
  };
}
