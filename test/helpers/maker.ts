import type { Maker } from '../../src/explain/exercise-resources.ts';
import type { TestApp } from './app.ts';
import { call, type Person, person } from './people.ts';

/** Makes documents of domain collections by their routes, among the people of a test. */
export const makerOf = (service: TestApp, admin: Person): Maker => ({
  person: () => person(service),
  admin: async () => admin,
  prepare: async ({ method, url, body, headers, query, as, expect }) => {
    const response = await call(service, method, url, body, {
      headers: { ...as?.headers, ...headers },
      ...(query && { query: { ...query } }),
    });
    const { statusCode } = response;
    if (expect === undefined ? statusCode >= 400 : statusCode !== expect)
      throw new Error(`${method} ${url} answered ${statusCode}: ${response.body}`);
    return response;
  },
});
