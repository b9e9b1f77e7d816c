// A1: a route that somebody forgot to guard. Elsewhere a new endpoint was public because nothing said otherwise. Here a
// route that stands in no scope, or an admin route without a permission, does not boot.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/app.ts';
import { guard } from '../../src/plugins/authentication.ts';
import type { App } from '../../src/types/fastify.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

describe('does not boot:', () => {
  const boot = async (extend: (app: App) => unknown) => {
    const app = await buildApp(service.config, service.deps);
    try {
      extend(app);
      await app.ready();
    } finally {
      await app.close();
    }
  };
  const handler = async () => ({});

  it('a route in no scope', async () => {
    await expect(boot((app) => app.get('/v1/forgotten', handler))).rejects.toThrow('/v1/forgotten');
  });

  it.each(['signed-in', 'recently-authenticated', 'admin'] as const)(
    'a route that says %s, in no scope that would see to it',
    async (access) => {
      const config = { access, permission: 'users:read' } as const;
      await expect(boot((app) => app.get('/v1/boastful', { config }, handler))).rejects.toThrow('/v1/boastful');
    },
  );

  it.each(['public', 'signed-in'] as const)(
    'a %s route that asks for what only admin routes ask for',
    async (access) => {
      const scope = (config: { recent?: boolean; sessionOnly?: boolean }) => async (app: App) => {
        guard(app, access);
        app.get('/v1/mistaken', { config }, handler);
      };
      for (const config of [{ recent: true }, { sessionOnly: true }])
        await expect(boot((app) => app.register(scope(config)))).rejects.toThrow('no admin route');
    },
  );

  it('an admin route without a permission', async () => {
    const scope = async (app: App) => {
      guard(app, 'admin');
      app.get('/v1/admin/open', handler);
    };
    await expect(boot((app) => app.register(scope))).rejects.toThrow('names neither a permission nor a role');
  });
});

it('a scope has the last word about its routes', async () => {
  const app = await buildApp(service.config, service.deps);
  await app.register(async (scope: App) => {
    guard(scope, 'admin');
    scope.get('/v1/admin/sly', { config: { access: 'public', permission: 'users:read' } }, async () => ({}));
  });
  await app.ready();
  expect((await app.inject('/v1/admin/sly')).statusCode).toBe(401);
  await app.close();
});
